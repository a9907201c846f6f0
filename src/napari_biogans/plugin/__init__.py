"""The napari plugin: the only part of the package that knows Qt or napari."""
