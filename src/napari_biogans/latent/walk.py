"""A walk from a cell along one direction of the latents."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from napari_biogans.latent.directions import Direction
from napari_biogans.latent.errors import LatentError
from napari_biogans.latent.paths import LatentPath
from napari_biogans.models import Model


def walk(
    model: Model, latent: ArrayLike, direction: ArrayLike | Direction, *, reach: float = 3.0, frames: int = 31
) -> LatentPath:
    """Draw the cells along a direction through a cell, of all classes at once.

    All but the part of the latent along the direction stays as it is in the
    cell; that part goes from one end to the other, the same for every cell.

    Parameters
    ----------
    model : Model
    latent : array (Z,)
        Of the cell.
    direction : array (Z,) or Direction
        Of any length but 0; such as those of `principal_directions`, or the
        one along which cells get longer (`feature_direction`).
    reach : float
        How far the walk goes, in standard deviations of the distribution that
        latents are drawn from, in both directions.
    frames : int
        At least 2.

    Returns
    -------
    LatentPath
        Its key is the frame that is nearest to the cell itself.

    Raises
    ------
    LatentError
        If an argument makes no sense; the message says why.

    Examples
    --------
    >>> from napari_biogans.models import NetworkShape, untrained_model
    >>> model = untrained_model(NetworkShape(image_size=(24, 40), width=4, latent_size=8, classes=2), "star-shaped")
    >>> way = walk(model, model.draw_latents(1, seed=0)[0], np.eye(8)[0], frames=7)
    >>> way.images.shape, way.latents[:, 0].tolist()
    ((2, 7, 2, 24, 40), [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0])
    """
    vector = direction.vector if isinstance(direction, Direction) else direction
    start, along = np.asarray(latent, np.float32), np.asarray(vector, np.float32)
    for name, given in (("The latent of a cell", start), ("A direction", along)):
        if given.shape != (model.latent_size,) or not np.isfinite(given).all():
            raise LatentError(f"{name} is {model.latent_size} finite numbers for this model, not {given.shape}.")
    length = np.linalg.norm(along)
    if length == 0:
        raise LatentError("A direction of length 0 leads nowhere.")
    if not 0 < reach < np.inf:
        raise LatentError(f"The reach is a positive number of standard deviations, not {reach}.")
    if frames < 2:
        raise LatentError(f"A walk has two frames at least, not {frames}.")
    along = along / length
    own = float(start @ along)
    places = np.linspace(-reach, reach, frames, dtype=np.float32)
    latents = (start - own * along) + places[:, None] * along
    return LatentPath.drawn_by(model, latents, [int(np.abs(places - own).argmin())])
