"""Parts that need no viewer: pairs of layers, sheets, curves, fields of a form."""

import numpy as np
import pytest
from napari.components import LayerList
from napari.layers import Image
from qtpy.QtCore import Qt

from napari_biogans.evaluation import C2STConfig
from napari_biogans.latent import ReconstructionConfig
from napari_biogans.models import ARCHITECTURES
from napari_biogans.plugin.class_colours import OKABE_ITO, class_colours
from napari_biogans.plugin.layer_data import GAP, beside, channel_layers, contact_sheet, in_grid
from napari_biogans.plugin.loss_history import LossHistory
from napari_biogans.plugin.pairing import SameLayer, guess_pair
from napari_biogans.plugin.sample_layers import contact_sheets
from napari_biogans.plugin.score_grid import ScoreCell, ScoreGrid
from napari_biogans.plugin.setting_editors import WholeNumber
from napari_biogans.plugin.setting_fields import setting_fields
from napari_biogans.plugin.setting_relevance import classes_matter, irrelevant_settings
from napari_biogans.training import TrainingConfig

STACK = np.zeros((5, 12, 12), np.uint8)


def layer(name, data=STACK, **keywords):
    return Image(data, name=name, rgb=False, **keywords)


@pytest.mark.parametrize(
    ("layers", "names"),
    [
        ([layer("Tea1 green"), layer("Tea1 red")], ("Tea1 red", "Tea1 green", "Tea1")),
        ([layer("x", colormap="green"), layer("y", colormap="red")], ("y", "x", "")),
        ([layer("a-red"), layer("b-green"), layer("b_red")], ("b_red", "b-green", "b")),
        ([layer("red"), layer("green")], ("red", "green", "")),
        ([layer("GFP", STACK[:2], colormap="green"), layer("DNA", STACK[:2])], ("DNA", "GFP", "")),
    ],
)
def test_layers_that_belong_together(layers, names):
    pair = guess_pair(layers)
    assert (pair.red.name, pair.green.name, pair.name) == names


def test_a_layer_with_channels_is_a_pair_by_itself():
    both = layer("cells", np.zeros((5, 2, 12, 12), np.uint8))
    assert guess_pair([both]).green == SameLayer(1)
    assert guess_pair([layer("others", both.data), both]).green == SameLayer(1), "no layer alone is red or green"


@pytest.mark.parametrize(
    "layers",
    [
        [layer("infrared"), layer("evergreen")],
        [layer("red"), layer("green", STACK[:2])],
        [layer("red", metadata={"biogans": {"seed": 1}}), layer("green", metadata={"biogans": {"seed": 1}})],
        [layer("red", STACK[0]), layer("green", STACK[0])],
    ],
)
def test_layers_that_are_not_taken_for_cells(layers):
    assert guess_pair(layers) is None


def test_layers_are_not_taken_twice():
    layers = [layer("a red"), layer("a green"), layer("b red"), layer("b green")]
    assert guess_pair(layers, layers[:2]).name == "b"


def test_a_sheet_shows_every_cell_in_reading_order():
    cells = np.arange(1, 6)[:, None, None] * np.ones((5, 3, 4), int)
    sheet = contact_sheet(cells, columns=2)
    assert sheet.shape == (3 * 4 + 1, 2 * 5 + 1)
    assert sheet[2::4, 2::5].tolist() == [[1, 2], [3, 4], [5, 1]]


def test_sheets_of_several_classes_have_a_row_for_each_and_columns_of_different_reds():
    images = np.random.default_rng(0).integers(0, 255, (3, 64, 2, 12, 12))
    sheets = contact_sheets(images)
    assert sheets.shape == (2, 3 * 13 + 1, 8 * 13 + 1)
    for channel, k, column in ((0, 0, 0), (1, 2, 7), (0, 1, 3)):
        tile = sheets[channel, 1 + 13 * k : 13 + 13 * k, 1 + 13 * column : 13 + 13 * column]
        assert np.array_equal(tile, images[k, 8 * column, channel])


def test_layers_are_put_beside_others_in_their_units():
    there = LayerList([layer("nm", scale=(1, 200, 200), units=("pixel", "nm", "nm"))])
    ((_, keywords, _), *_) = beside(there, channel_layers(np.zeros((2, 5, 12, 12)), ["red", "green"], pixel_size=0.2))
    assert keywords["translate"][0] == 0
    np.testing.assert_allclose(keywords["translate"][1:], (0, 12 * 0.2 + 8 * 0.2))
    assert keywords["units"] == ("pixel", "micrometer", "micrometer")


def test_a_long_history_is_thinned_without_losing_spikes():
    history = LossHistory(curves=2)
    for step in range(50_000):
        history.append(step, 1000.0 if step == 33_333 else np.sin(step), -1.0)
    steps, values = history.curve(0, points=1000)
    assert len(steps) <= 1000
    assert (np.diff(steps) > 0).all()
    assert values.max() == 1000
    assert steps[values.argmax()] == 33_333
    assert steps[-1] >= 49_900
    history.clear()
    assert len(history.curve(1, points=1000)[0]) == 0


def test_every_field_of_the_configuration_has_an_editor_in_the_form():
    fields = setting_fields(TrainingConfig)
    assert list(fields) == list(TrainingConfig.__dataclass_fields__)
    assert all(field.tip for field in fields.values())
    assert fields["objective"].choices == ("gan", "wgan", "wgan-gp")
    assert (fields["steps"].kind, fields["steps"].minimum) == ("whole", 1)
    assert (fields["learning_rate"].kind, fields["learning_rate"].optional) == ("number", True)
    assert (fields["averaging"].kind, fields["averaging"].optional) == ("switch", True)


def test_editors_give_back_what_was_set(qtbot):
    from napari_biogans.plugin.settings_form import FieldForm

    form = FieldForm(setting_fields(TrainingConfig).values())
    qtbot.addWidget(form)
    assert TrainingConfig(**form.values()) == TrainingConfig()
    others = TrainingConfig(
        architecture="joint",
        objective="gan",
        steps=100_000_000,
        critic_width=3,
        red_portion=0.25,
        critic_steps=2,
        learning_rate=5e-5,
        flips=False,
        averaging=False,
        seed=2**63 - 1,
        device="cuda:1",
        minutes=0.5,
    )
    form.set_values({name: getattr(others, name) for name in form.values()})
    assert TrainingConfig(**form.values()) == others


@pytest.mark.parametrize("configuration", [TrainingConfig, C2STConfig, ReconstructionConfig])
def test_tooltips_of_numbers_tell_which_may_be_given(qtbot, configuration):
    from napari_biogans.plugin.setting_editors import make_editor

    numbers = [field for field in setting_fields(configuration).values() if field.kind in ("whole", "number")]
    assert numbers
    for field in numbers:
        editor = make_editor(field)
        qtbot.addWidget(editor)
        assert field.tip in editor.toolTip()
        assert editor.toolTip().endswith(field.range_text)
        assert field.range_text, field.name
        lowest = field.minimum if not field.open_minimum else field.minimum + 1e-9
        configuration(**{field.name: lowest})


def test_whole_numbers_below_an_open_end_are_all_that_an_editor_takes(qtbot):
    from napari_biogans.plugin.setting_editors import make_editor

    field = setting_fields(C2STConfig)["seed"]
    editor = make_editor(field)
    qtbot.addWidget(editor)
    editor.set(2**40)
    assert C2STConfig(seed=editor.get()).seed == 2**32 - 1


def test_settings_of_a_test_have_editors_too(qtbot):
    from napari_biogans.plugin.settings_form import FieldForm

    fields = setting_fields(C2STConfig)
    assert list(fields) == list(C2STConfig.__dataclass_fields__)
    assert all(field.tip for field in fields.values())
    form = FieldForm(fields.values())
    qtbot.addWidget(form)
    assert C2STConfig(**form.values()) == C2STConfig()
    others = C2STConfig(protocol="paper", splits=3, steps=7, width=2, objective="gan", flips=False, band=False)
    form.set_values({name: getattr(others, name) for name in form.values()})
    assert C2STConfig(**form.values()) == others


def test_scores_are_coloured_from_low_to_high_with_text_that_can_be_read():
    scores = {"low": -0.5, "middle": 1.0, "high": 2.5}
    cells = {("row", name): ScoreCell(score, f"{score}", "", is_null=False) for name, score in scores.items()}
    colours = ScoreGrid(("row",), tuple(scores), cells).colours()
    assert [colours["row", name] for name in ("low", "high")] == [("#00224e", "white"), ("#fee838", "black")]
    assert len(set(colours.values())) == 3
    (only,) = ScoreGrid(("row",), ("low",), {("row", "low"): ScoreCell(0.0, "0", "", is_null=True)}).colours().values()
    assert only == ("#00224e", "white")


@pytest.mark.parametrize("count", [1, 2, 7, 8, 41])
def test_colours_of_classes_differ_and_can_be_seen_on_black(count):
    colours = class_colours(count)
    assert len(set(colours)) == count
    if count <= 7:
        assert set(colours) <= set(OKABE_ITO)
    for colour in colours:
        assert max(int(colour[place : place + 2], 16) for place in (1, 3, 5)) > 130


@pytest.mark.parametrize("architecture", ARCHITECTURES.values(), ids=ARCHITECTURES)
def test_settings_that_do_not_matter_are_known(architecture):
    values = {"architecture": architecture.name, "start_from": None}
    reasons = irrelevant_settings(values)
    assert ("red_portion" in reasons) == (not architecture.separable)
    assert ("neighbours" in reasons) == ("red_mask" in reasons) == (architecture.layout != "multi-channel")
    assert reasons.keys() <= setting_fields(TrainingConfig).keys()
    assert classes_matter(values) != architecture.pools_classes


def test_what_is_taken_over_from_a_model_is_known():
    values = {"architecture": "joint", "start_from": "model.safetensors"}
    assert {"architecture", "width", "latent_size", "red_portion"} <= irrelevant_settings(values).keys()
    assert irrelevant_settings(values).keys() <= setting_fields(TrainingConfig).keys()
    assert classes_matter(values), "the model may have any"


def test_layers_beside_others_can_be_seen_on_a_white_canvas():
    """Where light is only added, white stays white: the lowest layer has to cover the canvas."""
    added = channel_layers(np.zeros((2, 5, 12, 12)), ["red", "green"])
    there = LayerList([layer("something")])
    assert [keywords["blending"] for _, keywords, _ in beside(there, added)] == ["opaque", "additive"]
    assert [keywords["blending"] for _, keywords, _ in beside(LayerList(), added)] == ["additive", "additive"]


def test_a_grid_of_layers_stands_beside_others_in_its_own_units():
    there = LayerList([Image(np.zeros((12, 12)), scale=(200, 200), units=("nm", "nm"))])
    group = channel_layers(np.zeros((2, 5, 10, 20)), ["red", "green"], pixel_size=0.2)
    placed = in_grid(there, [[group, group[:1]], [group[1:]]])
    places = [keywords["translate"] for _, keywords, _ in placed]
    assert places[0] == places[1], "they stand on top of each other"
    np.testing.assert_allclose(np.subtract(places[2], places[0]), (0, 0, (20 + GAP) * 0.2))
    np.testing.assert_allclose(np.subtract(places[3], places[0]), (0, (10 + GAP) * 0.2, 0))
    assert [keywords["blending"] for _, keywords, _ in placed] == ["opaque", "additive", "opaque", "opaque"]
    np.testing.assert_allclose(places[0][2], 12 * 0.2 + GAP * 0.2, atol=0.2)


@pytest.mark.parametrize(
    ("typed", "value"), [("64", 64), ("128", 128), ("40", 40), ("6", 8), ("99999", 4096), ("", 48)]
)
def test_a_number_is_what_was_typed_and_brought_within_its_limits_at_the_end(qtbot, typed, value):
    number = WholeNumber(8, 4096)
    qtbot.addWidget(number)
    number.set(48)
    edited = []
    number.edited.connect(lambda: edited.append(number.get()))
    line = number.lineEdit()
    line.selectAll()
    qtbot.keyClick(line, Qt.Key.Key_Delete)
    qtbot.keyClicks(line, typed)
    assert line.text() == typed
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert (number.get(), line.text()) == (value, str(value))
    assert not edited or edited[-1] == value
    assert all(8 <= each <= 4096 for each in edited)


def test_a_number_counts_as_soon_as_it_is_within_the_limits(qtbot):
    number = WholeNumber(8, 4096)
    qtbot.addWidget(number)
    number.lineEdit().selectAll()
    qtbot.keyClicks(number.lineEdit(), "64")
    assert number.get() == 64, "a button that is pressed next takes it"
