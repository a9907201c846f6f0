"""What can end a two-sample test early.

None of these is a RuntimeError: napari's generator workers lose those.
"""

from __future__ import annotations


class C2STError(ValueError):
    """A test that cannot be made as asked; the message says what to do."""


class C2STStoppedError(C2STError):
    """Stopped before the first critic was trained, so that there is nothing to tell."""
