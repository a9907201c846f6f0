"""The dock Explore in a real viewer, by clicks."""

import threading
from types import SimpleNamespace

import numpy as np
import pytest
from napari.layers import Image
from qtpy.QtCore import QThreadPool

from napari_biogans import CellSet, load_model
from napari_biogans import train as train_model
from napari_biogans.plugin import exploring
from napari_biogans.plugin.generation import DrawRequest, draw
from napari_biogans.plugin.key_cells import KeyCell, key_cells_of
from napari_biogans.plugin.newest import Newest

from .conftest import TINY, WAIT_MS


@pytest.fixture
def star_run(tmp_path, pixels):
    cells = CellSet([pixels, pixels[:, ::-1].copy(), pixels], ["Alp14", "Mal3", "Tea1"], pixel_size=0.2)
    settings = {**TINY, "steps": 2, "latent_size": 8, "architecture": "star-shaped"}
    model = train_model(cells, tmp_path / "star", progress=False, **settings)
    for weight in model.generator.parameters():
        if weight.ndim == 4:
            weight.data.mul_(6)  # as large as those that a training ends with, so that latents matter
    model.save(tmp_path / "star" / "model.safetensors")
    return tmp_path / "star"


@pytest.fixture
def open_explore(viewer, qtbot):
    """Open the dock, and wait until the directions of a model are found."""

    def open_dock(run=None):
        _, dock = viewer.window.add_plugin_dock_widget("napari-biogans", "Explore")
        qtbot.waitUntil(lambda: dock.panel is not None, timeout=WAIT_MS)
        if run is not None:
            dock.panel.model.box.add(run)
            wait_for_directions(dock.panel)
        return dock.panel

    def wait_for_directions(panel):
        qtbot.waitUntil(lambda: panel.start.cell.isEnabled() and not panel.sliders.notice.text(), timeout=WAIT_MS)
        assert panel.sliders.names

    return open_dock


@pytest.fixture
def shown(viewer, qtbot):
    """Wait until the layers show what the sliders stand for, and give their pixels by name."""

    def wait(panel, classes=None):
        def is_shown():
            layers = [layer for layer in viewer.layers if layer.name.startswith("explore")]
            return bool(layers) and all(
                np.array_equal(layer.metadata["biogans"]["latents"][0], panel.latent())
                and (classes is None or layer.metadata["biogans"]["class"] in classes)
                for layer in layers
            )

        qtbot.waitUntil(is_shown, timeout=WAIT_MS)
        return {layer.name: layer.data.copy() for layer in viewer.layers if layer.name.startswith("explore")}

    return wait


def view_of(viewer):
    camera = getattr(viewer, "scene", viewer).camera  # its place in napari 0.9, and before
    return camera.center, camera.zoom


def test_without_a_model_it_says_so(open_explore):
    panel = open_explore()
    for button in (panel.start.cell, panel.start.red, panel.start.green, panel.kept.keep, panel.feature.search):
        assert not button.isEnabled()
        assert button.toolTip() == "Train a model, or open one."
    assert "Select a layer" in panel.start.layer.toolTip()


def test_sliders_wait_for_directions_and_for_a_cell(open_explore, star_run, click, shown):
    panel = open_explore(star_run)
    assert panel.sliders.names == [f"{part} {k}" for part in ("red", "green") for k in (1, 2, 3, 4)]
    assert not any(slider.isEnabled() for slider in panel.sliders.sliders)
    assert panel.sliders.sliders[0].toolTip() == panel.kept.keep.toolTip() == panel.start.red.toolTip()
    assert "Draw a cell first" in panel.start.red.toolTip()
    click(panel.start.cell)
    shown(panel)
    assert all(slider.isEnabled() for slider in panel.sliders.sliders)


def test_the_picture_is_what_the_model_draws(viewer, open_explore, star_run, click, shown):
    viewer.add_image(np.zeros((40, 50)), name="mine", scale=(0.2, 0.2), units=("um", "um"))
    panel = open_explore(star_run)
    click(panel.start.cell)
    shown(panel)
    layers = {layer.name: layer for layer in viewer.layers}
    assert list(layers) == ["mine", "explore red", "explore Alp14 green", "explore Mal3 green", "explore Tea1 green"]
    assert viewer.layers.selection.active is layers["mine"]
    camera = view_of(viewer)
    model = load_model(star_run)
    start = panel.latent()
    for place, value in ((0, 25), (5, -60), (0, -10)):
        panel.sliders.sliders[place].setValue(value)
    data = shown(panel)
    directions = panel.sliders._directions
    moved = start - 10 / 20 * directions[0].vector - 3 * directions[5].vector
    np.testing.assert_allclose(panel.latent(), moved, atol=1e-6)
    expected = model.generate(latents=panel.latent()[None])
    np.testing.assert_array_equal(data["explore red"], expected[0, 0, 0])
    for k, name in enumerate(model.class_names):
        np.testing.assert_array_equal(data[f"explore {name} green"], expected[k, 0, 1])
    assert list(viewer.layers) == list(layers.values()), "layers were made anew"
    assert view_of(viewer) == camera
    for name, layer in layers.items():
        if name != "mine":
            assert tuple(layer.contrast_limits) == model.header.intensity_range[0]
            assert layer.translate[1] > 50 * 0.2
            np.testing.assert_allclose(layer.scale, (0.2, 0.2))
            (cell,) = key_cells_of(layer)
            np.testing.assert_array_equal(cell.latent, panel.latent())
            assert cell.model == star_run
    click(panel.sliders.reset)
    np.testing.assert_array_equal(shown(panel)["explore red"], model.generate(latents=start[None])[0, 0, 0])
    assert not panel.sliders.reset.isEnabled()


def test_a_new_green_leaves_red_as_it_is(open_explore, star_run, click, shown):
    panel = open_explore(star_run)
    click(panel.start.cell)
    panel.sliders.sliders[1].setValue(30)
    before, latent = shown(panel), panel.latent()
    click(panel.start.green)
    after = shown(panel)
    np.testing.assert_array_equal(after["explore red"], before["explore red"])
    np.testing.assert_allclose(panel.latent()[:4], latent[:4])
    assert (panel.latent()[4:] != latent[4:]).all()
    green = panel.latent()[4:]
    click(panel.start.red)
    shown(panel)
    assert (panel.latent()[:4] != latent[:4]).all()
    np.testing.assert_array_equal(panel.latent()[4:], green)


def test_red_directions_leave_green_latents_alone(open_explore, star_run, click, shown):
    panel = open_explore(star_run)
    click(panel.start.cell)
    latent = panel.latent()
    panel.sliders.sliders[0].setValue(40)
    np.testing.assert_array_equal(panel.latent()[4:], latent[4:])
    shown(panel)


def test_cells_are_drawn_within_the_truncation(open_explore, star_run, click, shown):
    panel = open_explore(star_run)
    panel.start.truncation.is_on.setChecked(True)
    panel.start.truncation.sigmas.setValue(0.3)
    for _ in range(5):
        click(panel.start.cell)
        assert np.abs(panel.latent()).max() <= 0.3
    shown(panel)


def test_one_class_or_all(viewer, open_explore, star_run, click, shown):
    panel = open_explore(star_run)
    click(panel.start.cell)
    shown(panel)
    panel.classes.set("Tea1")
    data = shown(panel, classes=["Tea1"])
    assert list(data) == ["explore red", "explore green"]
    latents = panel.latent()[None]
    np.testing.assert_array_equal(data["explore green"], load_model(star_run).generate(latents=latents)[2, 0, 1])
    layers = list(viewer.layers)
    panel.classes.set("Mal3")
    data = shown(panel, classes=["Mal3"])
    np.testing.assert_array_equal(data["explore green"], load_model(star_run).generate(latents=latents)[1, 0, 1])
    assert list(viewer.layers) == layers
    click(panel.kept.keep)
    assert panel.kept._cells[0].class_name == "Mal3"


def test_a_model_that_is_not_separable(open_explore, trained_run, click, shown):
    run = trained_run(architecture="joint")
    panel = open_explore(run)
    assert panel.sliders.names == [f"direction {k}" for k in (1, 2, 3, 4)]
    assert not panel.classes.isVisibleTo(panel)
    click(panel.start.cell)
    data = shown(panel)
    assert list(data) == ["explore red", "explore green"]
    for button in (panel.start.red, panel.start.green):
        assert not button.isEnabled()
        assert "train a separable one" in button.toolTip()
    panel.sliders.sliders[3].setValue(60)
    expected = load_model(run).generate(latents=panel.latent()[None])[0, 0]
    np.testing.assert_array_equal(shown(panel)["explore green"], expected[1])


def test_layers_that_were_deleted_come_back(viewer, open_explore, star_run, click, shown):
    panel = open_explore(star_run)
    click(panel.start.cell)
    names, place = list(shown(panel)), viewer.layers[0].translate
    viewer.layers.remove("explore Mal3 green")
    panel.sliders.sliders[0].setValue(20)
    assert list(shown(panel)) == names
    viewer.layers.clear()
    panel.sliders.sliders[0].setValue(-20)
    viewer_has = shown(panel)
    assert list(viewer_has) == names
    np.testing.assert_allclose(viewer.layers[0].translate, place)


def test_kept_cells(open_explore, star_run, click, shown, fresh_session):
    panel = open_explore(star_run)
    fresh_session.keep(KeyCell("from elsewhere", np.full(8, 0.5, np.float32), star_run, "Tea1"))
    click(panel.start.cell)
    shown(panel)
    assert panel.kept.name.text() == "cell 2"
    panel.kept.name.setText("long one")
    panel.sliders.sliders[2].setValue(33)
    click(panel.kept.keep)
    first = panel.latent()
    assert [cell.name for cell in fresh_session.kept_cells] == ["from elsewhere", "long one"]
    np.testing.assert_array_equal(fresh_session.kept_cells[1].latent, first)
    assert fresh_session.kept_cells[1].model == star_run
    assert fresh_session.kept_cells[1].class_name is None
    assert [panel.kept.list.item(k).text() for k in range(2)] == ["from elsewhere", "long one"]
    panel.kept.list.itemClicked.emit(panel.kept.list.item(0))
    np.testing.assert_array_equal(panel.latent(), np.full(8, 0.5, np.float32))
    shown(panel)
    panel.sliders.sliders[0].setValue(10)
    np.testing.assert_array_equal(fresh_session.kept_cells[0].latent, np.full(8, 0.5, np.float32))
    panel.kept.list.setCurrentRow(0)
    click(panel.kept.remove)
    assert [cell.name for cell in fresh_session.kept_cells] == ["long one"]
    assert panel.kept.list.count() == 1


def add_drawn(viewer, run, **request):
    drawing = draw(DrawRequest(path=run, number=3, seed=0, **request), lambda: False)
    try:
        while True:
            next(drawing)
    except StopIteration as end:
        return [viewer.add_layer(Image(data, **keywords)) for data, keywords, _ in end.value.layers(as_sheet=False)]


def test_starting_from_a_layer_opens_its_model(viewer, open_explore, star_run, trained_run, click, shown, qtbot):
    panel = open_explore(trained_run())
    layers = add_drawn(viewer, star_run)
    viewer.layers.selection.active = layers[1]
    viewer.dims.set_current_step(0, 2)
    click(panel.start.layer)
    qtbot.waitUntil(lambda: panel.status.text().startswith("Started from"), timeout=WAIT_MS)
    assert panel.model.box.path() == star_run
    data = shown(panel)
    np.testing.assert_array_equal(data["explore red"], layers[0].data[2])
    np.testing.assert_array_equal(data["explore Alp14 green"], layers[1].data[2])
    viewer.layers.selection.active = None
    assert not panel.start.layer.isEnabled()


def test_a_model_that_was_trained_on_draws_the_same_latent(open_explore, star_run, click, shown, fresh_session, qtbot):
    panel = open_explore(star_run)
    click(panel.start.cell)
    before, latent = shown(panel), panel.latent()
    model = load_model(star_run)
    for weight in model.generator.parameters():
        weight.data.mul_(3)
    model.save(star_run / "model.safetensors")
    fresh_session.add_model(star_run)
    panel.model.box._note_saved(star_run)
    expected = model.generate(latents=latent[None])[0, 0, 0]
    qtbot.waitUntil(lambda: np.array_equal(shown(panel)["explore red"], expected), timeout=WAIT_MS)
    assert not np.array_equal(before["explore red"], expected)


def test_a_direction_that_makes_something_grow(viewer, open_explore, star_run, click, shown, monkeypatch, qtbot):
    import pandas as pd

    def brightness_of_red(images, **_):
        return pd.DataFrame({"length": images[:, 0].astype(float).mean(axis=(1, 2))})

    monkeypatch.setattr(exploring, "measure_cells", brightness_of_red)
    panel = open_explore(star_run)
    click(panel.start.cell)
    panel.sliders.sliders[0].setValue(15)
    click(panel.feature.search)
    qtbot.waitUntil(lambda: panel.sliders.names[-1] == "length", timeout=WAIT_MS)
    assert panel.sliders.sliders[0].value() == 15
    assert "length" in panel.status.text()
    panel.sliders.sliders[-1].setValue(-60)
    darker = shown(panel)["explore red"].mean()
    panel.sliders.sliders[-1].setValue(60)
    assert shown(panel)["explore red"].mean() > darker
    click(panel.feature.search)
    qtbot.waitUntil(panel.feature.search.isEnabled, timeout=WAIT_MS)
    assert panel.sliders.names.count("length") == 1
    layers = add_drawn(viewer, star_run)
    panel.feature.cells.set(layers[0])
    np.testing.assert_array_equal(panel.feature.latents(), layers[0].metadata["biogans"]["latents"])
    viewer.layers.remove(layers[0])
    assert panel.feature.latents() is None


def test_what_cannot_be_found_is_said(open_explore, star_run, click, notes, qtbot):
    panel = open_explore(star_run)
    model = load_model(star_run)
    for weight in model.generator.parameters():
        weight.data.mul_(0)
    model.save(star_run / "model.safetensors")
    panel.model.box.add(star_run)
    qtbot.waitUntil(lambda: "same from every latent" in panel.status.text(), timeout=WAIT_MS)
    assert not panel.sliders.notice.text()
    click(panel.feature.search)
    qtbot.waitUntil(lambda: "could not be measured" in panel.status.text(), timeout=WAIT_MS)
    assert [message for severity, message in notes if severity == "error" and "measured" in message]
    assert panel.feature.search.isEnabled()


def test_another_model_while_a_direction_is_found(open_explore, star_run, class_run, click, qtbot):
    panel, other = open_explore(star_run), class_run("joint")
    click(panel.feature.search)
    assert panel.status.text() == "Measuring length …"
    panel.model.box.add(other)
    qtbot.waitUntil(panel.start.cell.isEnabled, timeout=WAIT_MS)
    assert panel.status.text() == "", "nothing is measured any more"


def test_a_model_that_cannot_be_opened_is_said(open_explore, tmp_path, notes, qtbot):
    panel = open_explore()
    (tmp_path / "model.safetensors").write_bytes(b"nothing")
    panel.model.box.add(tmp_path / "model.safetensors")
    # The notification comes by a way of its own, and may come first.
    qtbot.waitUntil(lambda: "model.safetensors" in panel.model.summary.text(), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: any(severity == "error" for severity, _ in notes), timeout=WAIT_MS)
    assert not panel.start.cell.isEnabled()


def test_closing_while_it_works(viewer, open_explore, star_run, click, fresh_session, monkeypatch, qtbot):
    panel = open_explore(star_run)
    entered, go = threading.Event(), threading.Event()
    see = exploring.see

    def slow(*arguments):
        entered.set()
        go.wait(20)
        return see(*arguments)

    monkeypatch.setattr(exploring, "see", slow)
    click(panel.start.cell)
    qtbot.waitUntil(entered.is_set, timeout=WAIT_MS)
    (dock,) = (dock for name, dock in viewer.window._wrapped_dock_widgets.items() if name.startswith("Explore"))
    dock.destroyOnClose()
    go.set()
    assert QThreadPool.globalInstance().waitForDone(WAIT_MS)
    qtbot.wait(50)
    assert len(viewer.layers) == 0
    fresh_session.keep(KeyCell("later", np.zeros(8, np.float32), star_run))
    viewer.add_image(np.zeros((4, 4)))


def test_closing_while_directions_are_found_says_nothing(viewer, open_explore, star_run, notes, monkeypatch, qtbot):
    panel = open_explore()
    entered, go = threading.Event(), threading.Event()
    find = exploring.principal_directions

    def slow(*arguments, **keywords):
        entered.set()
        go.wait(20)
        return find(*arguments, **keywords)

    monkeypatch.setattr(exploring, "principal_directions", slow)
    panel.model.box.add(star_run)
    qtbot.waitUntil(entered.is_set, timeout=WAIT_MS)
    (dock,) = (dock for name, dock in viewer.window._wrapped_dock_widgets.items() if name.startswith("Explore"))
    dock.destroyOnClose()
    go.set()
    assert QThreadPool.globalInstance().waitForDone(WAIT_MS)
    qtbot.wait(100)
    assert notes == []


def test_the_newest_look_is_shown_and_others_are_left_out(open_explore, star_run, click, shown, monkeypatch, qtbot):
    panel = open_explore(star_run)
    entered, go = threading.Event(), threading.Event()
    see, drawn = exploring.see, []

    def slow(explored, look):
        drawn.append(look.latent.copy())
        entered.set()
        go.wait(20)
        return see(explored, look)

    monkeypatch.setattr(exploring, "see", slow)
    click(panel.start.cell)
    qtbot.waitUntil(entered.is_set, timeout=WAIT_MS)
    for value in range(1, 40):
        panel.sliders.sliders[0].setValue(value)
    go.set()
    shown(panel)
    assert len(drawn) == 2
    np.testing.assert_array_equal(drawn[1], panel.latent())


def test_requests_are_taken_newest_first_and_only_once():
    looks = Newest()
    assert not looks.post("first")
    assert looks.post("second")
    assert looks.take(lambda: False) == "second"
    assert looks.post("third")
    assert looks.take(lambda: False) == "third"
    assert looks.take(lambda: False) is None
    assert not looks.post("fourth"), "nobody was there any more"
    assert looks.take(lambda: True) is None
    assert looks.take(lambda: False) is None
    looks.post("fifth")
    looks.leave()
    assert not looks.post("sixth")


def test_a_stop_is_heard_while_waiting():
    looks = Newest()
    looks.post("first")
    state = SimpleNamespace(stop=False)
    assert looks.take(lambda: state.stop) == "first"
    state.stop = True
    assert looks.take(lambda: state.stop) is None
