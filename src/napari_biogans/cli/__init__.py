"""The command line: the same calls as the Python API, with files in and files out.

Results go to standard output, progress and messages to standard error. The
exit code is 0 when all went well, 1 when the work failed, 2 when the arguments
make no sense, and 130 when it was stopped by Ctrl-C (with everything saved).
"""

from __future__ import annotations

import warnings

import cyclopts
from pydantic import ValidationError

# They add their verbs to the app.
from napari_biogans.cli import drawing, facts, rebuilding, scoring, training, ways  # noqa: F401
from napari_biogans.cli.app import EXPECTED_ERRORS, INTERRUPTED, say
from napari_biogans.cli.app import app as command_line
from napari_biogans.evaluation import C2STStoppedError
from napari_biogans.latent import LatentStoppedError
from napari_biogans.training.configuration import explain
from napari_biogans.training.errors import TrainingStoppedError

__all__ = ["main"]


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
    warnings.showwarning = lambda message, *_, **__: say(f"Note: {message}")
    try:
        result = command_line(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except cyclopts.CycloptsError as error:
        reason = error.__cause__
        say(f"Error: {explain(reason) if isinstance(reason, ValidationError) else error}")
        return 2
    except (TrainingStoppedError, C2STStoppedError, LatentStoppedError) as error:
        say(str(error))
        return INTERRUPTED
    except EXPECTED_ERRORS as error:
        say(f"Error: {error}")
        return 1
    except MemoryError as error:
        say(f"Error: there is too little memory for this; ask for fewer cells. ({error})")
        return 1
    except KeyboardInterrupt:
        say("Interrupted.")
        return INTERRUPTED
    return result if isinstance(result, int) else 0
