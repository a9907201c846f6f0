"""What says how good a model is."""

from napari_biogans.evaluation.diversity import Diversity, diversity
from napari_biogans.evaluation.overview import overview_figure

__all__ = ["Diversity", "diversity", "overview_figure"]
