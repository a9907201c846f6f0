"""How much the greens of a run's samples differ for one red, told while it is trained."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from napari_biogans.cells import CellSet
from napari_biogans.cells.green_spread import Floats, neighbour_spread, spread_at_fixed_red
from napari_biogans.models import architecture_named
from napari_biogans.training.configuration import TrainingConfig
from napari_biogans.training.events import GreenSpread
from napari_biogans.training.samples import groups_of_one_red


class SpreadMeter:
    """Compares the greens of samples with those of the cells that are learned.

    What is known of the cells is found out once, of some of them, and takes
    none of the training's random numbers.

    Parameters
    ----------
    cells : CellSet
    config : TrainingConfig
    """

    def __init__(self, cells: CellSet, config: TrainingConfig) -> None:
        architecture = architecture_named(config.architecture)
        self._intensity_range = cells.intensity_range
        self._real: Floats | None = None
        # Two samples make the first pair of a red.
        if architecture.separable and config.samples > 1:
            pooled = architecture.pools_classes
            self._real = neighbour_spread(cells, pooled=pooled, flips=config.flips, seed=config.seed).green

    def measure(self, step: int, class_names: tuple[str, ...], images: NDArray[Any]) -> GreenSpread | None:
        """Measure samples.

        Parameters
        ----------
        step : int
        class_names : tuple of str
        images : array (K, N, C, H, W)
            The samples of this step.

        Returns
        -------
        GreenSpread or None
            None where samples do not share a red: the architecture cannot
            hold it, or there is one sample only.
        """
        if self._real is None:
            return None
        drawn = spread_at_fixed_red(groups_of_one_red(images), self._intensity_range)
        return GreenSpread(step, class_names, tuple(drawn.tolist()), tuple(self._real.tolist()))
