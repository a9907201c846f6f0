"""Cells on the device, drawn in batches."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_biogans.cells import CellSet, to_unit


class CellSampler:
    """Batches of every class from cells that stay on the device as they are stored.

    Each class is gone through in a random order of its own, again and again,
    so that every cell of it is seen equally often whatever the sizes of the
    classes and of the batch.

    Parameters
    ----------
    cells : CellSet
    batch_size : int
        Cells of each class in a batch; may be larger than a class.
    device : torch.device
    rng : torch.Generator
        On the device; every order and flip comes from it.
    flips : bool
        Whether cells are flipped at random along both axes.
    """

    def __init__(
        self, cells: CellSet, batch_size: int, device: torch.device, rng: torch.Generator, *, flips: bool
    ) -> None:
        # A tensor shares the memory of a writable array; torch warns about read-only ones.
        self._images = [
            torch.from_numpy(array if array.flags.writeable else array.copy()).to(device) for array in cells.images
        ]
        self._intensity_range = torch.as_tensor(cells.intensity_range, dtype=torch.float32).to(device)
        self.batch_size = batch_size
        self._rng = rng
        self._flips = flips
        self._orders = [torch.empty(0, dtype=torch.long, device=device) for _ in self._images]

    def batch(self) -> Tensor:
        """Draw the next cells of every class.

        Returns
        -------
        tensor (K, B, C, H, W), float32
            In [-1, 1].
        """
        chosen = torch.stack([images.index_select(0, self._next_indices(k)) for k, images in enumerate(self._images)])
        images: Tensor = to_unit(chosen, self._intensity_range)
        if self._flips:
            images = self._flipped(self._flipped(images, -1), -2)
        return images

    def state(self) -> dict[str, Tensor]:
        """Give what is left of each class's order, by class index."""
        return {str(k): order for k, order in enumerate(self._orders)}

    def load_state(self, state: dict[str, Tensor]) -> None:
        """Go on with the orders that `state` gave."""
        self._orders = [state[str(k)].to(order.device) for k, order in enumerate(self._orders)]

    def _next_indices(self, k: int) -> Tensor:
        order = self._orders[k]
        while len(order) < self.batch_size:
            shuffled = torch.randperm(len(self._images[k]), generator=self._rng, device=order.device)
            order = torch.cat([order, shuffled])
        self._orders[k] = order[self.batch_size :]
        return order[: self.batch_size]

    def _flipped(self, images: Tensor, axis: int) -> Tensor:
        which = torch.rand(images.shape[:2], generator=self._rng, device=images.device) < 0.5
        return torch.where(which[:, :, None, None, None], images.flip(axis), images)
