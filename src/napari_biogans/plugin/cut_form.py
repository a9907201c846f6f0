"""What is chosen before cells are cut: fields, how cells are found, which are cut and how, and where they go."""

from __future__ import annotations

import warnings
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QGroupBox, QVBoxLayout, QWidget

from napari_biogans.cells.cellset import CellsError
from napari_biogans.cells.cut_settings import CutConfig, SegmentationConfig, make_cut_configs
from napari_biogans.plugin import session
from napari_biogans.plugin.cutting import CutRequest, check_empty
from napari_biogans.plugin.field_choice import FieldsChoice, LayerFields, fields_in
from napari_biogans.plugin.field_groups import FieldGroup
from napari_biogans.plugin.fields_box import FieldsBox
from napari_biogans.plugin.known_paths import KnownPaths
from napari_biogans.plugin.path_edit import PathEdit
from napari_biogans.plugin.preferences import preferences
from napari_biogans.plugin.remembering import remember
from napari_biogans.plugin.setting_titles import by_title
from napari_biogans.plugin.settings_form import SettingsForm

FINDING_FIELDS = ("threshold", "split")
CUTTING_FIELDS = ("height", "width", "magnification", "mask", "normalisation")
FOLDER_TIP = (
    "Folder for the cell set: a stack and a table for each class, and objects.csv with all that was found. It must be "
    "empty, or not be there yet. Left empty, the cells become layers only."
)
FOLDER_TEXT = "nowhere: as layers only"
MEANINGS = {
    "mask": {
        "none": "What is around a cell stays.",
        "neighbours": "Other cells are taken away.",
        "background": "All but the cell is taken away.",
    },
    "normalisation": {
        "none": "Brightness stays as it is.",
        "field": "Brightness is scaled field by field, which takes out differences of staining.",
        "set": "Brightness of all fields is scaled alike.",
    },
}


class CutForm(QWidget):
    """Everything that is chosen before cells are cut.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
    """

    changed = Signal()

    def __init__(self, viewer: Any, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.fields = FieldsBox(viewer)
        self.finding = SettingsForm(SegmentationConfig, {}, FINDING_FIELDS, "")
        self.cutting = SettingsForm(CutConfig, {}, CUTTING_FIELDS, "", MEANINGS)
        self.folder = PathEdit(
            "Folder for the cell set",
            known=KnownPaths("Cell sets of this session", lambda: session.SESSION.cell_sets),
            start=lambda: preferences().cells_folder,
        )
        self.folder.line.setPlaceholderText(FOLDER_TEXT)
        self.folder.setToolTip(FOLDER_TIP)
        self.cutting.add_row("Save into", self.folder)
        self._finding_group = QGroupBox("Finding cells")
        self._lay_out()
        self.fields.changed.connect(self.changed)
        for part in (self.finding, self.cutting, self.folder):
            part.edited.connect(self.changed)
        remember(self.finding, "cut: finding")
        remember(self.cutting, "cut: cutting")

    def request(self) -> CutRequest:
        """Say what is wanted.

        Raises
        ------
        CellsError
            If something is missing or does not fit; the message says what to
            do. Files are looked at only when the work begins.
        """
        choice = self.fields.choice()
        self._finding_group.setVisible(not choice.has_labels)
        with by_title(CellsError, self.finding.titles, self.cutting.titles):
            segmentation, config = make_cut_configs(**self.finding.values(), **self.cutting.values())
        groups = _groups_now(choice)
        for field in fields_in(groups):
            config.magnification_for(field.pixel_size, field.name)
        return CutRequest(choice, segmentation, config, self.folder.path(), groups)

    def check_folder(self) -> None:
        """Refuse a folder that cells cannot be written into, which is no reason not to look for them.

        Raises
        ------
        CellsError
        """
        folder = self.folder.path()
        if folder is not None:
            check_empty(folder)

    def disconnect_all(self) -> None:
        """Hear no more of layers."""
        self.fields.disconnect_all()

    def _lay_out(self) -> None:
        fields_group, cutting_group = QGroupBox("Fields"), QGroupBox("Cutting")
        for group, content in (
            (fields_group, self.fields),
            (self._finding_group, self.finding),
            (cutting_group, self.cutting),
        ):
            QVBoxLayout(group).addWidget(content)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (fields_group, self._finding_group, cutting_group):
            layout.addWidget(widget)
        layout.addStretch()


def _groups_now(choice: FieldsChoice) -> list[FieldGroup]:
    """Make the fields of layers, which takes no time; none of files."""
    if not isinstance(choice, LayerFields):
        return []
    with warnings.catch_warnings():
        # They are told once, when the work begins.
        warnings.simplefilter("ignore")
        return choice.groups()
