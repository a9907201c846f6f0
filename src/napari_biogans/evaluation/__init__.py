"""What says how good a model is: two-sample tests, and pictures to look at."""

from napari_biogans.evaluation.c2st import c2st, c2st_matrix, c2st_model, c2st_run
from napari_biogans.evaluation.diversity import Diversity, diversity
from napari_biogans.evaluation.errors import C2STError, C2STStoppedError
from napari_biogans.evaluation.overview import overview_figure
from napari_biogans.evaluation.results import C2STResult
from napari_biogans.evaluation.settings import C2STConfig

__all__ = [
    "C2STConfig",
    "C2STError",
    "C2STResult",
    "C2STStoppedError",
    "Diversity",
    "c2st",
    "c2st_matrix",
    "c2st_model",
    "c2st_run",
    "diversity",
    "overview_figure",
]
