"""What can end work on latents early. Neither is a RuntimeError: napari's generator workers lose those."""

from __future__ import annotations


class LatentError(ValueError):
    """Work on latents that cannot be done as asked; the message says what to do."""


class LatentStoppedError(LatentError):
    """Stopped before the first cell was done, so that there is nothing to show."""
