"""napari-biogans."""
