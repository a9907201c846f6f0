"""What tests of the plugin need before napari is imported."""

import os

# Layers and viewers may be touched in the main thread only; so a mistake is an error, and not a crash now and then.
os.environ["NAPARI_ENSURE_PLUGIN_MAIN_THREAD"] = "1"
