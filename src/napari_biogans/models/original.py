"""Opening what the authors of *GANs for Biological Image Synthesis* released in 2017.

Their files are pickled by torch. They are opened in the way that runs nothing
of what they hold, and everything about the networks is found from the names
and the shapes of the weights.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from napari_biogans.models.architectures import ARCHITECTURES, ArchitectureName
from napari_biogans.models.model import Model, ModelHeader
from napari_biogans.models.modelfile import ModelFileError
from napari_biogans.models.shape import NetworkShape
from napari_biogans.models.stages import Stage, critic_stages, generator_stages

Weights = Mapping[str, Tensor]
Names = dict[str, str]
"""From names of weights in a file of the release to names in our networks."""

BATCH_NORM = ("weight", "bias", "running_mean", "running_var")
STEP_IN_NAME = re.compile(r"_iter_(\d+)$")


def import_original(
    generator: str | Path,
    *,
    critic: str | Path | None = None,
    class_names: Sequence[str] | None = None,
) -> Model:
    """Open a generator of the original release, and its critic, as a model.

    Architecture, sizes, number of classes, red portion and extra layers are
    found from the weights. The model draws the same pixels as the published
    code, and is like any other: it can be saved, and training can start from
    it.

    Parameters
    ----------
    generator : path-like
        A `netG_iter_N.pth`.
    critic : path-like, optional
        The `netD_iter_N.pth` of the same training. Without one, the model has
        no critic, and a training that starts from it begins with a new one, as
        wide as the generator.
    class_names : sequence of str, optional
        One per class, in the order of the training; default class 1, class 2,
        … The files do not hold them.

    Returns
    -------
    Model
        For 8-bit cells, as the release's data are.

    Raises
    ------
    ModelFileError
        If a file is missing, holds anything but weights, or weights that are
        not those of one of the published networks (the message names the
        first that does not fit); if the critic is not one for the generator;
        or if the class names do not fit.

    References
    ----------
    Osokin et al., GANs for Biological Image Synthesis, ICCV 2017.

    Examples
    --------
    >>> import_original("netG_iter_500000.pth")
    Traceback (most recent call last):
    ...
    napari_biogans.models.modelfile.ModelFileError: netG_iter_500000.pth: there is no such file.
    """
    path = Path(generator)
    weights = _read_weights(path)
    found = {"last": _found_star(path, weights) if _is_star(weights) else _found_generator(path, weights)}
    files = {"last": (path, weights)}
    if critic is not None:
        critic_path = Path(critic)
        files["critic"] = critic_path, _read_weights(critic_path)
        found["critic"] = _found_critic(*files["critic"], found["last"])
    architecture, shape = found["last"].architecture, found[list(found)[-1]].shape
    built = dict(zip(("last", "critic"), _built(path, architecture, shape), strict=True))
    for name, (file, content) in files.items():
        _fill(built[name], file, content, found[name])
    if shape.extra_red_portion is not None:
        warnings.warn(
            f"{path}: the extra layers of this network are not parted into red and green as the others are, as in the "
            "published code; the green latent changes red a little.",
            stacklevel=2,
        )
    step = STEP_IN_NAME.search(path.stem)
    header = ModelHeader(
        architecture=architecture,
        shape=shape,
        class_names=_checked_class_names(class_names, shape.classes),
        channel_names=("red", "green"),
        intensity_range=((0, 255), (0, 255)),
        dtype="uint8",
        step=int(step[1]) if step else 0,
        training={"imported_from": path.name},
        package_version=version("napari-biogans"),
    )
    return Model(header, {name: built[name] for name in files})


@dataclass(frozen=True)
class _Found:
    """What a file was recognised as."""

    architecture: ArchitectureName
    shape: NetworkShape
    image_channels: int
    names: Names


def unpickled(path: Path) -> Any:
    """Open a file of torch in the way that runs nothing.

    Raises
    ------
    ModelFileError
        If it is missing, or holds anything that would have to be run.
    """
    if not path.is_file():
        raise ModelFileError(f"{path}: there is no such file.")
    if path.suffix == ".safetensors":
        raise ModelFileError(f"{path}: a model file already; nothing has to be imported.")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    # What a damaged or malicious file raises is not all of one class, and that of pickle is banned here. Its words are
    # not passed on, since torch advises to open the file all the same.
    except Exception as error:
        raise ModelFileError(
            f"{path}: not a file of weights as the original release has them, or damaged; nothing in it was run."
        ) from error


def _read_weights(path: Path) -> dict[str, Tensor]:
    content = unpickled(path)
    if not isinstance(content, dict) or not content:
        raise ModelFileError(f"{path}: holds no weights by name, but {type(content).__name__}.")
    weights = {}
    for name, value in content.items():
        if isinstance(name, str) and name.endswith(".num_batches_tracked"):
            continue  # of batch norms in files that a newer torch wrote again; it decides nothing
        if not isinstance(name, str) or not holds_numbers(value):
            raise ModelFileError(f"{path}: {name!r} is not a weight.")
        if name.endswith(".running_var") and (value < 0).any():
            raise ModelFileError(f"{path}: there are negative variances in {name!r}; the file is damaged.")
        if not value.isfinite().all():
            raise ModelFileError(f"{path}: there are NaN or infinite values in {name!r}; the training had failed.")
        weights[name] = value
    return weights


def holds_numbers(value: Any) -> bool:
    """Tell whether something is a tensor of all the numbers that it claims to have."""
    return (
        isinstance(value, Tensor)
        and value.layout is torch.strided
        and value.device.type == "cpu"
        and value.is_floating_point()
        and value.untyped_storage().nbytes() >= value.numel() * value.element_size()
    )


def _is_generator(weights: Weights) -> bool:
    return any(".convt" in name for name in weights)


def _is_critic(weights: Weights) -> bool:
    return not _is_generator(weights) and any(".conv." in name for name in weights)


def _is_star(weights: Weights) -> bool:
    return "main.0.convt_red.weight" in weights


def _found_generator(path: Path, weights: Weights) -> _Found:
    if _is_critic(weights):
        raise ModelFileError(f"{path}: this is a critic (netD); give the generator of the same training (netG).")
    classes = _count(weights, r"main\.(\d+)\.main\.")
    network = _below("main.0.", weights) if classes else weights
    separable = any(".convt-sep." in name for name in network)
    pyramid, extra = _stages_named(network, "pyramid"), _stages_named(network, "extra-layers")
    initial, final = (_convolutions(path, weights, network, f"main.{kind}.") for kind in ("initial", "final"))
    # Of a separable layer, the first convolution sees and makes red only, the last sees all and makes green.
    latent_size, width = initial[-1].shape[0], final[-1].shape[0]
    image_channels = sum(weight.shape[1] for weight in final)
    is_multi_channel = not classes and image_channels > 2
    reds: dict[str, float] = {}
    if separable:
        enlarging = [initial, final, *(_convolutions(path, weights, network, f"{stage}.") for stage in pyramid)]
        reds["red_portion"] = _red_portion(path, [(layer[-1].shape[0], layer[0].shape[0]) for layer in enlarging])
    if separable and extra:
        smoothing = [_convolutions(path, weights, network, f"{stage}.") for stage in extra]
        portion = _red_portion(path, [(layer[-1].shape[1], layer[0].shape[1]) for layer in smoothing])
        # As published, these layers are half red whatever the portion of the others is.
        if int(portion * width) != int(reds["red_portion"] * width):
            reds["extra_red_portion"] = portion
    shape = _shape(
        path,
        image_size=_enlarged(initial[0], 1 + len(pyramid)),
        classes=classes or (image_channels - 1 if is_multi_channel else 1),
        latent_size=latent_size,
        width=width,
        critic_width=width,
        extra_layers=len(extra),
        **reds,
    )
    stages = generator_stages(shape, image_channels)
    names: Names = {}
    for k in range(classes or 1):
        theirs, ours = (f"main.{k}.", f"generators.{k}.") if classes else ("", "")
        names |= _generator_names(stages, theirs, ours, separable=separable)
    kind = "independent" if classes else "multi-channel" if is_multi_channel else "joint"
    return _Found(ARCHITECTURES[f"{kind}-separable" if separable else kind].name, shape, image_channels, names)


def _found_star(path: Path, weights: Weights) -> _Found:
    depth = _count(weights, r"main\.(\d+)\.convt_red\.")
    classes = _count(weights, r"main\.0\.convt_green\.(\d+)\.")
    reds, greens = (
        [_convolutions(path, weights, weights, f"main.{s}.convt_{colour}.")[0] for s in range(depth)]
        for colour in ("red", "green.0")
    )
    channels = [(green.shape[0], red.shape[0]) for red, green in zip(reds, greens, strict=True)]
    shape = _shape(
        path,
        image_size=_enlarged(reds[0], depth - 1),
        classes=classes,
        latent_size=channels[0][0],
        width=channels[-1][0],
        critic_width=channels[-1][0],
        red_portion=_red_portion(path, channels),
    )
    names: Names = {}
    for s in range(depth):
        towers = {"red": "red", **{f"green.{k}": f"greens.{k}" for k in range(classes)}}
        for theirs, ours in towers.items():
            names |= _layer_names(f"main.{s}.convt_{theirs}", f"{ours}.{s}.0")
            if s < depth - 1:
                names |= _norm_names(f"main.{s}.batchnorm_{theirs}", f"{ours}.{s}.1")
    return _Found("star-shaped", shape, 2, names)


def _found_critic(path: Path, weights: Weights, generator: _Found) -> _Found:
    if _is_generator(weights):
        raise ModelFileError(f"{path}: this is a generator (netG); give the critic of the same training (netD).")
    is_by_class = ARCHITECTURES[generator.architecture].layout == "by-class"
    wanted = generator.shape.classes if is_by_class else 0
    classes = _count(weights, r"main\.(\d+)\.main\.")
    if classes != wanted:
        fitting = f"{wanted} critics, one per class" if wanted else "no more than one critic"
        raise ModelFileError(
            f"{path}: with a generator that is {generator.architecture} go {fitting}; this file holds {classes or 1}."
        )
    network = _below("main.0.", weights) if classes else weights
    shape = replace(
        generator.shape,
        critic_width=_convolutions(path, weights, network, "main.initial.")[0].shape[0],
        critic_extra_layers=len(_stages_named(network, "extra-layers")),
        critic_batch_norm=any(".batchnorm." in name for name in network),
    )
    stages = critic_stages(shape, generator.image_channels)
    names: Names = {}
    for k in range(classes or 1):
        theirs, ours = (f"main.{k}.", f"critics.{k}.") if classes else ("", "")
        names |= _critic_names(stages, theirs, ours, batch_norm=shape.critic_batch_norm)
    return replace(generator, shape=shape, names=names)


def _count(weights: Weights, pattern: str) -> int:
    """Count different numbers in names; whether they begin at 0 and leave none out is seen when names are compared."""
    return len({match[1] for name in weights if (match := re.match(pattern, name))})


def _below(prefix: str, weights: Weights) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): weight for name, weight in weights.items() if name.startswith(prefix)}


def _stages_named(network: Weights, kind: str) -> list[str]:
    """Names of the stages of a kind, in order, up to their convolutions."""
    found = [match[0] for name in network if (match := re.match(rf"main\.{kind}[^.]*\.[^.]+(?=\.conv)", name))]
    return list(dict.fromkeys(found))


def _convolutions(path: Path, weights: Weights, network: Weights, prefix: str) -> list[Tensor]:
    """Give the convolutions of a stage: one, or two in a separable one."""
    found = {name: weight for name, weight in network.items() if name.startswith(prefix) and weight.ndim == 4}
    if not found or not all(weight.numel() for weight in found.values()):
        raise ModelFileError(
            f"{path}: not a network of the original release; its first weight is {next(iter(weights))!r}, "
            f"and there is no {prefix.rstrip('.')!r}."
        )
    if len(found) > 2:
        first, *_, last = found
        raise ModelFileError(f"{path}: {last!r} does not fit into a network that has {first!r}.")
    return list(found.values())


def _enlarged(smallest: Tensor, doublings: int) -> tuple[int, int]:
    height, width = smallest.shape[2:]
    return height * 2**doublings, width * 2**doublings


def _red_portion(path: Path, channels: Sequence[tuple[int, int]]) -> float:
    """Find the shortest number that gives the red channels of all (channels, red channels)."""
    low = max(Fraction(red, total) for total, red in channels)
    high = min(Fraction(red + 1, total) for total, red in channels)
    for digits in range(1, 10):
        shortest = Fraction(math.ceil(low * 10**digits), 10**digits)
        if shortest < high:
            return float(shortest)
    raise ModelFileError(f"{path}: the red channels of its layers, {channels}, are not of one red portion.")


def _shape(path: Path, **sizes: Any) -> NetworkShape:
    try:
        return NetworkShape(**sizes)
    except ValueError as error:
        raise ModelFileError(f"{path}: no network can be made of these weights: {error}") from error


def _built(path: Path, architecture: ArchitectureName, shape: NetworkShape) -> tuple[nn.Module, nn.Module]:
    try:
        return ARCHITECTURES[architecture].build(shape)
    except ValueError as error:
        raise ModelFileError(f"{path}: no network can be made of these weights: {error}") from error


def _generator_names(stages: Iterable[Stage], theirs: str, ours: str, *, separable: bool) -> Names:
    names: Names = {}
    for place, (stage, prefix, pair) in enumerate(_named(stages, theirs)):
        conv = "convt" if stage.transposed else "conv"
        layer = f"{ours}layers.{3 * place}"  # a convolution, a batch norm and an activation each
        if separable:
            both = f"{prefix}.{pair}.{conv}-sep.{conv}"
            names |= _layer_names(f"{both}_half", f"{layer}.red") | _layer_names(f"{both}_all", f"{layer}.green")
        else:
            names |= _layer_names(f"{prefix}.{pair}.{conv}", layer)
        if stage.kind != "final":
            names |= _norm_names(f"{prefix}.{stage.outputs.total}.batchnorm", f"{ours}layers.{3 * place + 1}")
    return names


def _critic_names(stages: Iterable[Stage], theirs: str, ours: str, *, batch_norm: bool) -> Names:
    names: Names = {}
    place = 0
    for stage, prefix, pair in _named(stages, theirs):
        names |= _layer_names(f"{prefix}.{pair}.conv", f"{ours}layers.{place}")
        place += 2
        if batch_norm and stage.kind in ("extra", "pyramid"):
            names |= _norm_names(f"{prefix}.{stage.outputs.total}.batchnorm", f"{ours}layers.{place - 1}")
            place += 1
    return names


def _named(stages: Iterable[Stage], theirs: str) -> Iterator[tuple[Stage, str, str]]:
    """Name stages as the release does: what their weights begin with, and their channels."""
    extras = 0
    for stage in stages:
        if stage.kind == "extra":
            yield stage, f"{theirs}main.extra-layers-{extras}", f"{stage.outputs.total}"
            extras += 1
        else:
            yield stage, f"{theirs}main.{stage.kind}", f"{stage.inputs.total}-{stage.outputs.total}"


def _layer_names(theirs: str, ours: str) -> Names:
    return {f"{theirs}.weight": f"{ours}.weight"}


def _norm_names(theirs: str, ours: str) -> Names:
    return {f"{theirs}.{part}": f"{ours}.{part}" for part in BATCH_NORM}


def _fill(network: nn.Module, path: Path, weights: Weights, found: _Found) -> None:
    """Fill a network with weights that are all there, all known and all of the right shape."""
    own = network.state_dict()
    height, width = found.shape.image_size
    what = f"network of the original release that is {found.architecture} and of {height}x{width} pixels"
    for name, weight in weights.items():
        if name not in found.names:
            raise ModelFileError(f"{path}: {name!r} does not fit into a {what}.")
        if weight.shape != own[found.names[name]].shape:
            raise ModelFileError(
                f"{path}: {name!r} is {tuple(weight.shape)}, which does not fit into a {what}; "
                f"{tuple(own[found.names[name]].shape)} would."
            )
    for name in found.names:
        if name not in weights:
            raise ModelFileError(f"{path}: {name!r} is missing, which a {what} has.")
    network.load_state_dict({found.names[name]: weight for name, weight in weights.items()}, strict=False)


def _checked_class_names(given: Sequence[str] | None, classes: int) -> tuple[str, ...]:
    if given is None:
        return tuple(f"class {k + 1}" for k in range(classes))
    names = tuple(str(name) for name in given)
    blank = not all(name.strip() for name in names)
    if isinstance(given, str) or len(names) != classes or len(set(names)) != classes or blank:
        raise ModelFileError(f"Class names: the model needs {classes}, each its own and none blank; not {given!r}.")
    return names
