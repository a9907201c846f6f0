"""Trainings that fail: a notification says why, and the dock goes on."""

import napari_biogans.training


def test_a_training_that_diverges(train, fails, works_again):
    train.settings.set_values({"learning_rate": 1e20, "objective": "gan"})
    message = fails()
    assert "became infinite or NaN" in message
    assert "smaller learning rate" in message
    works_again()


def test_a_runtime_error_of_the_engine_is_not_lost(train, fails, works_again, monkeypatch):
    def broken(*arguments, **keywords):
        yield from ()
        raise RuntimeError("the engine is broken")

    with monkeypatch.context() as patch:
        patch.setattr(napari_biogans.training, "iterate_training", broken)
        assert fails() == "the engine is broken"
    works_again()
