"""Files of the original release open here, and compute what the published networks do."""

import re
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from napari_biogans import import_original, load_model, read_latents
from napari_biogans.models import ModelFileError, NetworkShape, untrained_model
from napari_biogans.training import OBJECTIVES
from napari_biogans.training.objectives import gradient_penalties
from napari_biogans.training.reference import ReferenceCriticStep
from napari_biogans.training.steps import CriticStep

CASES = Path(__file__).parents[1] / "data" / "original"
# What `index.json` of the cases says of them: architecture, latent size, classes, channels, red portion.
GENERATORS = {
    "one-class": ("joint", 12, 1, 0.5),
    "one-class-separable": ("joint-separable", 12, 1, 0.5),
    "independent": ("independent", 12, 3, 0.5),
    "independent-separable": ("independent-separable", 12, 3, 0.5),
    "multi-channel": ("multi-channel", 28, 3, 0.5),
    "multi-channel-separable": ("multi-channel-separable", 28, 3, 0.25),
    "star-shaped": ("star-shaped", 12, 3, 0.5),
}


def largest_relative_difference(ours, theirs):
    return np.abs(np.asarray(ours) - theirs).max() / np.abs(theirs).max()


def imported(case, **options):
    return import_original(CASES / f"{case}.netG.pth", **options)


@pytest.mark.parametrize("case", GENERATORS)
def test_everything_about_a_generator_is_found(case):
    architecture, latent_size, classes, red_portion = GENERATORS[case]
    model = imported(case)
    assert model.header.architecture == architecture
    assert model.header.shape == NetworkShape(
        image_size=(48, 80),
        latent_size=latent_size,
        classes=classes,
        width=8 if "multi" in case else 4,
        critic_width=8 if "multi" in case else 4,
        red_portion=red_portion,
    )
    assert model.class_names == tuple(f"class {k + 1}" for k in range(classes))
    assert model.critic is None


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("case", GENERATORS)
def test_generators_draw_the_published_images(case, mode):
    generator = imported(case).generator.train(mode == "train")
    with np.load(CASES / f"{case}.generator.npz") as expected, torch.no_grad():
        images = generator(torch.from_numpy(expected["z"]))
        theirs = expected[f"images_{mode}"]
        assert images.shape == (theirs.shape if theirs.ndim == 5 else (1, *theirs.shape))
        assert largest_relative_difference(images.reshape(theirs.shape), theirs) < 1e-5


@pytest.mark.parametrize("case", GENERATORS)
def test_an_imported_model_is_like_any_other(case, tmp_path):
    model = imported(case, class_names=["Tea1", "Arp3", "Mkh1"][: GENERATORS[case][2]])
    with np.load(CASES / f"{case}.generator.npz") as expected:
        latents, theirs = expected["z"], expected["images_eval"]
    if theirs.ndim == 4:  # a cell of one class, or one that shows all classes
        theirs = np.stack([theirs[:, [0, 1 + k]] for k in range(theirs.shape[1] - 1)])
    grey = np.round((theirs + 1) * 127.5)
    drawn = model.generate(latents=latents)
    assert drawn.dtype == np.uint8
    assert np.abs(drawn - grey).max() <= 1
    assert (drawn == grey).mean() > 0.999
    opened = load_model(model.save(tmp_path / "imported.safetensors"))
    assert np.array_equal(opened.generate(latents=latents), drawn)
    assert opened.header == model.header
    assert opened.critic is None


# -- critics


def critic_case(case, generator):
    with np.load(CASES / f"{case}.critic.npz") as file:
        expected = dict(file)
    critic = imported(generator, critic=CASES / f"{case}.netD.pth").critic.requires_grad_(True)
    real, fake = (torch.from_numpy(expected[name]) for name in ("real", "fake"))
    if real.ndim == 4:
        real, fake = real[None], fake[None]
    return critic, real, fake, expected


CRITICS = {"critic": "one-class", "discriminator-batch-norm": "one-class", "star-critic": "star-shaped"}


@pytest.mark.parametrize("case", CRITICS)
def test_critics_give_the_published_scores(case):
    critic, real, fake, expected = critic_case(case, CRITICS[case])
    with torch.no_grad():
        for images, name in ((real, "scores_real_eval"), (fake, "scores_fake_eval")):
            scores = critic(images).reshape(expected[name].shape)
            assert largest_relative_difference(scores, expected[name]) < 1e-5


@pytest.mark.parametrize("step", [ReferenceCriticStep, CriticStep])
@pytest.mark.parametrize("case", ["critic", "star-critic"])
def test_wgan_gp_agrees_in_penalties_losses_and_gradients(case, step):
    critic, real, fake, expected = critic_case(case, CRITICS[case])
    mix = torch.from_numpy(expected["eps"]).reshape(real.shape[:2])
    objective = OBJECTIVES["wgan-gp"]

    penalties = gradient_penalties(critic, real, fake, mix).detach()
    theirs = expected["gradient_penalties"]
    assert largest_relative_difference(penalties.reshape(theirs.shape), theirs) < 1e-4

    loss = step(objective, critic, 1e-4).gradients(real, fake, mix).loss
    theirs = expected["critic_loss_wgan_gp"]
    assert largest_relative_difference(loss.reshape(theirs.shape), theirs) < 1e-4
    first = next(critic.parameters()).grad
    assert largest_relative_difference(first, expected["grad_first_layer_wgan_gp"]) < 1e-4

    generator_loss = objective.generator_loss(critic(fake)).mean().item()
    assert generator_loss == pytest.approx(float(expected["generator_loss_wgan_gp_at_fake"]), rel=1e-4)


def test_gan_agrees_in_losses():
    critic, real, fake, expected = critic_case("discriminator-batch-norm", "one-class")
    objective = OBJECTIVES["gan"]
    assert objective.critic_loss(critic(real), critic(fake)).loss.item() == pytest.approx(
        float(expected["critic_loss_gan_eval"]), rel=1e-4
    )
    assert objective.generator_loss(critic(fake)).item() == pytest.approx(
        float(expected["generator_loss_gan_at_fake_eval"]), rel=1e-4
    )


def test_a_critic_that_is_not_the_generators_is_refused():
    with pytest.raises(ModelFileError, match="3 critics, one per class; this file holds 1"):
        imported("star-shaped", critic=CASES / "critic.netD.pth")
    with pytest.raises(ModelFileError, match="no more than one critic; this file holds 3"):
        imported("one-class", critic=CASES / "star-critic.netD.pth")
    with pytest.raises(ModelFileError, match=r"'main\.initial\.2-4\.conv\.weight' does not fit"):
        imported("multi-channel", critic=CASES / "critic.netD.pth")
    with pytest.raises(ModelFileError, match=r"this is a generator \(netG\)"):
        imported("one-class", critic=CASES / "one-class.netG.pth")
    with pytest.raises(ModelFileError, match=r"this is a critic \(netD\)"):
        import_original(CASES / "star-critic.netD.pth")


# -- files made here as the release's code would have saved them


def published_file(path, weights):
    torch.save(OrderedDict(weights), path, _use_new_zipfile_serialization=False)
    return path


def published_weights(case):
    return torch.load(CASES / f"{case}.netG.pth", weights_only=True)


def with_extra_layers(weights, *, separable, half=False):
    """Add two extra layers to a generator of width 4."""
    rng = torch.Generator().manual_seed(3)
    reds = 2 if half or not separable else 1

    def weight(*shape):
        return torch.randn(shape, generator=rng)

    names = list(weights)
    final = next(k for k, name in enumerate(names) if ".final." in name)
    added = {}
    for t in range(2):
        start = f"main.extra-layers-{t}.4"
        if separable:
            added[f"{start}.conv-sep.conv_half.weight"] = weight(reds, reds, 3, 3)
            added[f"{start}.conv-sep.conv_all.weight"] = weight(4 - reds, 4, 3, 3)
        else:
            added[f"{start}.conv.weight"] = weight(4, 4, 3, 3)
        for part in ("weight", "bias", "running_mean", "running_var"):
            added[f"{start}.batchnorm.{part}"] = weight(4).abs()
    ordered = list(weights.items())
    return OrderedDict([*ordered[:final], *added.items(), *ordered[final:]])


def test_extra_layers_are_found_and_computed(tmp_path):
    weights = with_extra_layers(published_weights("one-class"), separable=False)
    model = import_original(published_file(tmp_path / "netG_iter_7500.pth", weights))
    assert model.header.shape.extra_layers == 2
    assert model.header.step == 7500
    latents = torch.randn(3, 12)
    features = latents[:, :, None, None]
    for name, weight in weights.items():  # by hand, layer after layer
        if name.endswith("convt.weight"):
            first = ".initial." in name
            features = torch.conv_transpose2d(features, weight, stride=1 if first else 2, padding=0 if first else 1)
        elif name.endswith("conv.weight"):
            features = torch.conv2d(features, weight, padding=1)
        elif name.endswith("running_var"):
            norm = name.removesuffix("running_var")
            parts = [weights[norm + part] for part in ("running_mean", "running_var", "weight", "bias")]
            features = torch.nn.functional.batch_norm(features, *parts).relu()
    with torch.no_grad():
        assert torch.allclose(model.generator(latents)[0], features.tanh(), atol=1e-5)


def separable_with_portion(tmp_path, *, half):
    """A separable generator of red portion 0.25, with extra layers that follow it or, as published, are half red."""
    shape = NetworkShape(image_size=(48, 80), latent_size=12, width=4, red_portion=0.25)
    names = [name for name in published_weights("one-class-separable") if "num_batches" not in name]
    own = untrained_model(shape, "joint-separable").generator.state_dict()
    weights = [weight for name, weight in own.items() if not name.endswith("num_batches_tracked")]
    published = with_extra_layers(dict(zip(names, weights, strict=True)), separable=True, half=half)
    return import_original(published_file(tmp_path / "netG.pth", published))


def test_extra_layers_that_follow_the_red_portion_keep_red_apart(tmp_path):
    model = separable_with_portion(tmp_path, half=False)
    assert (model.header.shape.red_portion, model.header.shape.extra_red_portion) == (0.25, None)
    latents = torch.randn(2, 12)
    latents[1, :3] = latents[0, :3]
    with torch.no_grad():
        reds = model.generator(latents)[0, :, 0]
    assert torch.equal(reds[0], reds[1])


def test_extra_layers_as_published_load_as_they_are_and_it_is_said(tmp_path):
    with pytest.warns(UserWarning, match="green latent changes red"):
        model = separable_with_portion(tmp_path, half=True)
    assert (model.header.shape.red_portion, model.header.shape.extra_red_portion) == (0.25, 0.5)
    latents = torch.randn(2, 12)
    latents[1, :3] = latents[0, :3]
    with torch.no_grad():
        reds = model.generator(latents)[0, :, 0]
    assert not torch.equal(reds[0], reds[1])
    opened = load_model(model.save(tmp_path / "model.safetensors"))
    assert np.array_equal(opened.generate(3, seed=0), model.generate(3, seed=0))
    assert opened.red_latent_size is None
    with pytest.raises(ValueError, match="mix red and green, so red cannot be held"):
        opened.generate(1, greens_per_red=2)


@pytest.mark.parametrize("red_portion", [0.143, 0.3, 0.5, 0.75])
def test_red_portions_are_found(tmp_path, red_portion):
    sizes = {"latent_size": 350, "width": 56, "critic_width": 56, "red_portion": red_portion}
    shape = NetworkShape(image_size=(24, 40), classes=2, **sizes)
    model = untrained_model(shape, "star-shaped")
    names = {
        f"main.{s}.{kind}_red": f"red.{s}.{place}"
        for s in range(4)
        for place, kind in enumerate(("convt", "batchnorm"))
    } | {
        f"main.{s}.{kind}_green.{k}": f"greens.{k}.{s}.{place}"
        for s in range(4)
        for place, kind in enumerate(("convt", "batchnorm"))
        for k in range(2)
    }
    own = model.generator.state_dict()
    weights = {
        f"{theirs}.{name.removeprefix(f'{ours}.')}": weight
        for theirs, ours in names.items()
        for name, weight in own.items()
        if name.startswith(f"{ours}.") and not name.endswith("num_batches_tracked")
    }
    opened = import_original(published_file(tmp_path / "netG.pth", weights))
    assert opened.header.shape == shape
    assert np.array_equal(opened.generate(2, seed=0), model.generate(2, seed=0))


# -- what is refused


def refused(path, message):
    with pytest.raises(ModelFileError, match=message) as raised:
        import_original(path)
    assert str(path) in str(raised.value)


def test_unknown_and_mixed_weights_are_refused_with_the_first_that_does_not_fit(tmp_path):
    weights = published_weights("one-class")
    path = tmp_path / "netG.pth"
    refused(published_file(path, {**weights, "main.surprise.weight": torch.zeros(1)}), "'main.surprise.weight' does")
    refused(published_file(path, {**weights, **published_weights("star-shaped")}), "'main.initial.12-32.convt.weight'")
    refused(
        published_file(path, {**published_weights("independent"), "main.initial.weight": torch.zeros(1)}),
        "'main.initial.weight' does not fit",
    )
    missing = dict(weights)
    del missing["main.pyramid.16.batchnorm.bias"]
    refused(published_file(path, missing), "'main.pyramid.16.batchnorm.bias' is missing")
    wrong = {**weights, "main.pyramid.16-8.convt.weight": torch.zeros(16, 9, 4, 4)}
    refused(published_file(path, wrong), r"'main.pyramid.16-8.convt.weight' is \(16, 9, 4, 4\)")
    refused(published_file(path, {"layer.weight": torch.zeros(3, 3)}), "its first weight is 'layer.weight'")
    odd = {**weights, "main.initial.12-32.convt.weight": torch.zeros(12, 32, 9, 5)}
    refused(published_file(path, odd), "no network can be made")


@settings(max_examples=150, deadline=None)
@given(case=st.sampled_from([*GENERATORS]), data=st.data())
def test_weights_that_were_tampered_with_are_refused(case, data, tmp_path_factory):
    """Whatever is renamed, left out or given another shape: it is said, and nothing else goes wrong."""
    weights = published_weights(case)
    names = list(weights)
    name = data.draw(st.sampled_from(names))
    weight = weights.pop(name)
    change = data.draw(st.sampled_from(["drop", "rename", "number", "transpose", "grow", "empty"]))
    if change == "rename":
        weights[data.draw(st.sampled_from(names)).replace("weight", "wait")] = weight
    elif change == "number":
        weights[re.sub(r"\d+", str(data.draw(st.integers(0, 10**9))), name, count=1)] = weight
    elif change == "transpose":
        weights[name] = weight.movedim(0, -1)
    elif change == "grow":
        weights[name] = weight.repeat_interleave(data.draw(st.integers(2, 3)), dim=0)
    elif change == "empty":
        weights[name] = weight[:0]
    path = published_file(tmp_path_factory.mktemp("tampered") / "netG.pth", weights)
    assume(weights.keys() != set(names) or weights[name].shape != weight.shape)
    with pytest.raises(ModelFileError):
        import_original(path)


def test_two_kinds_of_layers_in_one_file_are_refused_with_the_one_that_does_not_fit(tmp_path):
    both = {**published_weights("one-class"), **published_weights("one-class-separable")}
    refused(
        published_file(tmp_path / "netG.pth", both), r"'main.initial.12-32.convt-sep.convt_all.weight' does not fit"
    )


def test_weights_that_are_not_finite_are_refused(tmp_path):
    weights = published_weights("star-shaped")
    weights["main.2.convt_green.1.weight"][0, 0] = float("nan")
    refused(published_file(tmp_path / "netG.pth", weights), "'main.2.convt_green.1.weight'; the training had failed")


def test_counters_of_newer_batch_norms_do_not_matter(tmp_path):
    weights = published_weights("one-class")
    weights["main.initial.32.batchnorm.num_batches_tracked"] = torch.tensor(7)
    model = import_original(published_file(tmp_path / "netG.pth", weights))
    assert np.array_equal(model.generate(2, seed=0), imported("one-class").generate(2, seed=0))


def test_model_files_need_no_import(tmp_path):
    path = imported("one-class").save(tmp_path / "model.safetensors")
    refused(path, "a model file already")


def test_files_that_hold_something_else_are_refused(tmp_path):
    path = tmp_path / "netG.pth"
    refused(path, "no such file")
    path.write_bytes(b"nothing")
    refused(path, "not a file of weights .*nothing in it was run.$")
    path.write_bytes((CASES / "one-class.netG.pth").read_bytes()[:5000])
    refused(path, "not a file of weights")
    torch.save(torch.zeros(3), path)
    refused(path, "holds no weights by name, but Tensor")
    torch.save({"epoch": 3}, path)
    refused(path, "'epoch' is not a weight")
    torch.save({}, path)
    refused(path, "holds no weights")


class Malicious:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return Path.touch, (self.target,)


@pytest.mark.parametrize("as_zip", [False, True], ids=["2017", "today"])
def test_a_malicious_file_runs_nothing(tmp_path, as_zip):
    target = tmp_path / "it ran"
    path = tmp_path / "netG.pth"
    torch.save({"main.initial.12-32.convt.weight": Malicious(target)}, path, _use_new_zipfile_serialization=as_zip)
    refused(path, "nothing in it was run")
    with pytest.raises(ModelFileError, match="nothing in it was run"):
        read_latents(path)
    assert not target.exists()
    torch.load(path, weights_only=False)
    assert target.exists(), "the file would not do harm anyway"


@pytest.mark.parametrize("change", ["sparse", "meta", "expanded", "negative"])
def test_tensors_that_are_not_what_they_seem_are_refused(tmp_path, change):
    weights = published_weights("star-shaped")
    name = "main.1.batchnorm_red.running_var"
    if change == "sparse":
        weights[name] = weights[name].to_sparse()
    elif change == "meta":
        weights[name] = weights[name].to("meta")
    elif change == "expanded":
        weights[name] = torch.zeros(1).expand(10**9)
    else:
        weights[name] = -weights[name]
    torch.save(weights, tmp_path / "netG.pth")
    refused(tmp_path / "netG.pth", f"'{name}'")
    if change != "negative":
        torch.save(weights[name][:, None] if change == "expanded" else weights[name], tmp_path / "noise.pth")
        with pytest.raises(ModelFileError):
            read_latents(tmp_path / "noise.pth")


def test_class_names_have_to_fit():
    for names in (["one", "two"], ["one", "one", "two"], "abc", ["one", " ", "two"]):
        with pytest.raises(ModelFileError, match="the model needs 3"):
            imported("star-shaped", class_names=names)


# -- latents


@pytest.mark.parametrize("shape", [(5, 12), (5, 12, 1, 1)])
def test_published_latents_are_read(tmp_path, shape):
    noise = torch.randn(shape)
    torch.save(noise, tmp_path / "fixed_noise_1.pth", _use_new_zipfile_serialization=False)
    latents = read_latents(tmp_path / "fixed_noise_1.pth")
    assert latents.dtype == np.float32
    assert np.array_equal(latents, noise.numpy().reshape(5, 12))


def test_other_tensors_are_no_latents(tmp_path):
    path = tmp_path / "fixed_noise_1.pth"
    for content, message in [
        (torch.zeros(3), r"not torch.float32 \(3,\)"),
        (torch.zeros(3, 4, 2, 2), r"\(3, 4, 2, 2\)"),
        (torch.zeros(3, 4, dtype=torch.int64), "int64"),
        ({"noise": torch.zeros(3, 4)}, "holds dict"),
    ]:
        torch.save(content, path)
        with pytest.raises(ModelFileError, match=message):
            read_latents(path)
