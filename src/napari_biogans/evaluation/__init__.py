"""What says how good a model is."""

from napari_biogans.evaluation.overview import overview_figure

__all__ = ["overview_figure"]
