"""The command line: the same calls as the Python API, with files in and files out.

Results go to standard output, progress and messages to standard error. The
exit code is 0 when all went well, 1 when the work failed, 2 when the arguments
make no sense, and 130 when it was stopped by Ctrl-C (with everything saved).
"""

from __future__ import annotations

import sys
import warnings

from cyclopts import CycloptsError

from napari_biogans.cli.app import INTERRUPTED, outlive_others, say
from napari_biogans.cli.app import app as command_line
from napari_biogans.cli.verbs import add_verbs

__all__ = ["main"]

add_verbs(command_line)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : list of str, optional
        Default those of the process.

    Returns
    -------
    int
        The exit code.
    """
    outlive_others(sys.argv[1:] if arguments is None else arguments)
    warnings.showwarning = lambda message, *_, **__: say(f"Note: {message}")
    try:
        result = command_line(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        say(f"Error: {_mistake(error)}")
        return 2
    except KeyboardInterrupt:
        say("Interrupted.")
        return INTERRUPTED
    except Exception as error:
        code = _explain(error)
        if code is None:
            raise
        return code
    return result if isinstance(result, int) else 0


def _mistake(error: CycloptsError) -> str:
    """Say what is wrong with the arguments."""
    from pydantic import ValidationError

    reason = error.__cause__
    if not isinstance(reason, ValidationError):
        return str(error)
    from napari_biogans.settings import explain

    return explain(reason)


def _explain(error: Exception) -> int | None:
    """Say what ended the work, and give the exit code; None for what nobody expects."""
    # Loaded by the work by now, unless it ended before; the help needs none of them.
    from napari_biogans.cells import CuttingStoppedError
    from napari_biogans.evaluation import C2STStoppedError
    from napari_biogans.latent import LatentStoppedError
    from napari_biogans.training import TrainingError, TrainingStoppedError, WorkerLostError

    if isinstance(error, TrainingStoppedError | C2STStoppedError | LatentStoppedError | CuttingStoppedError):
        say(str(error))
        return INTERRUPTED
    if isinstance(error, MemoryError):
        say(f"Error: there is too little memory for this; ask for fewer cells. ({error})")
        return 1
    if isinstance(error, TrainingError | ValueError | OSError):
        say(f"Error: {error}", for_first=isinstance(error, WorkerLostError) and error.first_is_lost)
        return 1
    return None
