"""Everything that changes while a model is trained, and one step of it."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from napari_biogans.cells import CellSet
from napari_biogans.cells.red_neighbours import RedNeighbours, find_red_neighbours
from napari_biogans.models import Architecture, Model, ModelHeader, NetworkShape, architecture_named, modelfile
from napari_biogans.models.model import CellType
from napari_biogans.training.averaging import AveragedGenerator, calibrate
from napari_biogans.training.checkpoints import Contents, load_optimiser, optimiser_tensors, prefixed, tensors_under
from napari_biogans.training.collectives import in_one_go, take_from_first
from napari_biogans.training.compiling import pays_to_compile
from napari_biogans.training.configuration import TrainingConfig
from napari_biogans.training.data import ClassSampler, MultiChannelSampler, Sampler
from napari_biogans.training.devices import choose_device, choose_precision
from napari_biogans.training.distributed import ALONE, Workers
from napari_biogans.training.errors import RunError, TrainingError
from napari_biogans.training.reference import ReferenceCriticStep, ReferenceGeneratorStep
from napari_biogans.training.replay import Ahead, replayed
from napari_biogans.training.shared_norm import share_norms
from napari_biogans.training.starting import copy_weights
from napari_biogans.training.steps import CriticStep, GeneratorStep


class StepMetrics(NamedTuple):
    """Means over some steps; the names are the columns of `metrics.csv`."""

    critic_loss: float
    generator_loss: float
    critic_gap: float
    gradient_penalty: float


class TrainingState:
    """Networks, optimisers, cells and random numbers of a training.

    Parameters
    ----------
    cells : CellSet
    config : TrainingConfig
    neighbours : RedNeighbours, optional
        Of the cells, for architectures that make up cells of all channels;
        searched for if they are needed and not given.
    start : Model, optional
        Whose weights the training starts from.
    workers : Workers
        That train together; each computes its part of every batch.
    reference : bool
        Whether the steps are the plain ones, in float32, that the fast ones
        are compared with.

    Raises
    ------
    TrainingError
        If the device is not there, networks of these sizes cannot be built, or
        the model to start from does not fit.
    """

    def __init__(
        self,
        cells: CellSet,
        config: TrainingConfig,
        neighbours: RedNeighbours | None = None,
        start: Model | None = None,
        workers: Workers = ALONE,
        *,
        reference: bool = False,
    ) -> None:
        self.config = config
        self.workers = workers
        architecture = architecture_named(config.architecture)
        if architecture.pools_classes:
            cells = cells.pool()
        self.step = 0
        self.device = choose_device(config.device)
        self.precision = torch.float32 if reference else choose_precision(config.resolved_precision, self.device)
        self.shape = network_shape(cells, config)
        self._header = ModelHeader(
            architecture=config.architecture,
            shape=self.shape,
            class_names=tuple(cells.class_names),
            channel_names=tuple(cells.channel_names),
            intensity_range=tuple((float(low), float(high)) for low, high in cells.intensity_range),
            dtype=cast(CellType, cells.dtype.name),
            pixel_size=cells.pixel_size,
            draws_from="averaged" if config.resolved_averaging else "last",
            package_version=version("napari-biogans"),
        )
        try:
            networks = architecture.build(self.shape, config.seed)
        except ValueError as error:
            raise TrainingError(str(error)) from None
        if start is not None:
            copy_weights(start, *networks)
        generator, critic = networks
        self.generator, self.critic = generator.to(self.device), critic.to(self.device)
        self._critic_step, self._generator_step = self._make_steps(reference=reference)
        self.averaged = AveragedGenerator(self.generator, config.averaging_decay) if config.resolved_averaging else None
        self._rng = torch.Generator(self.device).manual_seed(config.seed)
        self._sampler = self._make_sampler(architecture, cells, neighbours)
        self._sums = torch.zeros(len(StepMetrics._fields), device=self.device)
        self._summed_steps = 0
        self._before: Contents | None = None
        if workers.several:
            share_norms(self.generator)
            share_norms(self.critic)
        self._record_steps()

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes that the model draws."""
        return self._header.class_names

    def _make_steps(
        self, *, reference: bool
    ) -> tuple[CriticStep | ReferenceCriticStep, GeneratorStep | ReferenceGeneratorStep]:
        objective, rate = self.config.resolved_objective, self.config.resolved_learning_rate
        generator, critic = self.generator, self.critic
        # Without those of a warm-up, which are few among many.
        critic_steps = self.config.critic_steps or objective.critic_steps
        compiles = pays_to_compile(self.device, self.config.steps * critic_steps)
        if reference:
            return (
                ReferenceCriticStep(objective, critic, rate),
                ReferenceGeneratorStep(objective, generator, critic, rate),
            )
        part = self.workers.part_of(self.config.batch_size)
        return (
            CriticStep(objective, critic, rate, self.precision, part, compiles=compiles),
            GeneratorStep(objective, generator, critic, rate, self.precision, part),
        )

    def _record_steps(self) -> None:
        """Begin to record steps, for batches of this size."""
        sampler, critic_step, generator_step = self._sampler, self._critic_step, self._generator_step
        # Sums over several workers are not recorded, and have to come in the same order everywhere.
        recorded = isinstance(critic_step, CriticStep) and not self.workers.several
        device = self.device if recorded else torch.device("cpu")
        prepare = Ahead(device)

        # Not a method, with which the state would hold itself, and its memory, until Python's collector comes by.
        def learn(latents: Tensor, mix: Tensor, *cells: Tensor) -> tuple[Tensor]:
            """Take the critic's steps, one for each of the latents, and the generator's, and give what is measured."""

            def batch(k: int) -> tuple[Tensor, Tensor]:
                return sampler.cells(*(of_steps[k] for of_steps in cells)), generator_step.draw(latents[k])

            for k, (real, fake) in enumerate(prepare(batch, len(latents))):
                critic = critic_step(real, fake, mix[k])
            generator_loss = generator_step(latents[-1])
            return (torch.stack([critic.loss.mean(), generator_loss, critic.gap.mean(), critic.penalty.mean()]),)

        # One recording for each number of critic steps, of which some objectives have two.
        self._learn: dict[int, Callable[..., tuple[Tensor]]] = defaultdict(lambda: replayed(learn, device))

    def _make_sampler(self, architecture: Architecture, cells: CellSet, neighbours: RedNeighbours | None) -> Sampler:
        config = self.config
        if architecture.layout != "multi-channel":
            return ClassSampler(cells, config.batch_size, self.device, self._rng, flips=config.flips)
        return MultiChannelSampler(
            cells,
            neighbours or find_red_neighbours(cells, config.neighbours, flips=config.flips, device=self.device),
            config.batch_size,
            self.device,
            self._rng,
            flips=config.flips,
            red_mask=config.resolved_red_mask,
        )

    def advance(self) -> None:
        """Take one generator step, with the critic steps before it.

        As published, the generator learns from the fakes of the last critic
        step; critic steps build no graph of the generator.

        Raises
        ------
        WorkerLostError
            If one of several workers is lost; `undo` brings the state before
            the step back.
        """
        if self.workers.several and self.workers.is_first:
            self._before = self._contents().copied()
        self.generator.train()
        self.critic.train()
        critic_steps = self.config.critic_steps_at(self.step)
        (metrics,) = self._learn[critic_steps](*self._draw(critic_steps))
        self._sums += metrics
        self._summed_steps += 1
        if self.averaged is not None:
            self.averaged.follow(self.generator, self.step)
        self.step += 1

    def _draw(self, critic_steps: int) -> tuple[Tensor, ...]:
        """Draw all random numbers of a step: for each critic step the latents, the mixes, and those of the cells.

        All workers draw those of the whole batch, and each takes its part.
        """
        batch, rng, device = self.config.batch_size, self._rng, self.device
        latents = torch.randn(critic_steps, batch, self.shape.latent_size, generator=rng, device=device)
        mix = torch.rand(critic_steps, self._sampler.classes, batch, generator=rng, device=device)
        own = self.workers.part_of(batch).cells
        return latents[:, own], *(draws[:, :, own] for draws in (mix, *self._sampler.draw(critic_steps)))

    def undo(self) -> None:
        """Go back to before the last step, which may have been done in part only."""
        if self._before is not None:
            self._restore(self._before)

    def take_from_first(self) -> None:
        """Make the weights those of worker 0, so that all begin with the same, also on machines that round otherwise.

        Raises
        ------
        WorkerLostError
        """
        if self.workers.several:
            tensors = [tensor for name, tensor in self._contents().tensors.items() if name.startswith(_LEARNED)]
            in_one_go(take_from_first, [tensor for tensor in tensors if tensor.is_floating_point()])

    def take_metrics(self) -> StepMetrics:
        """Give the means since the last call (all NaN right after one), and begin new ones."""
        means = StepMetrics(*(self._sums / self._summed_steps).tolist())
        self._sums.zero_()
        self._summed_steps = 0
        return means

    def resize_batch(self, batch_size: int) -> None:
        """Go on with batches of another size."""
        self.config = replace(self.config, batch_size=batch_size)
        self._sampler.batch_size = batch_size
        self._record_steps()

    def is_finite(self) -> bool:
        """Whether every weight is finite."""
        tensors = [*self.generator.state_dict().values(), *self.critic.state_dict().values()]
        return bool(torch.stack([tensor.isfinite().all() for tensor in tensors]).all())

    def model(self, metrics: dict[str, float]) -> Model:
        """Copy the networks as they are now into a model."""
        networks = {"last": self.generator, "critic": self.critic}
        if self.averaged is not None:
            networks["averaged"] = self.averaged.network
        copies = {name: _contiguous(deepcopy(network)) for name, network in networks.items()}
        if self.averaged is not None:
            calibrate(copies["averaged"], self._side_rng(), self.shape.latent_size)
        finite = {name: value for name, value in metrics.items() if math.isfinite(value)}
        header = replace(self._header, step=self.step, training=asdict(self.config), metrics=finite)
        return Model(header, copies)

    def save(self, path: Path, seconds: float) -> None:
        """Write a checkpoint from which `load` goes on exactly.

        Parameters
        ----------
        path : pathlib.Path
        seconds : float
            Trained so far.
        """
        tensors, header = self._contents()
        modelfile.write(path, tensors, {**header, "seconds": seconds}, kind="checkpoint")

    def _contents(self) -> Contents:
        """Give what a checkpoint holds; the tensors are those that the next step changes."""
        tensors = {
            **prefixed("generator", self.generator.state_dict()),
            **prefixed("critic", self.critic.state_dict()),
            **prefixed("generator-optimiser", optimiser_tensors(self._generator_step.optimiser)),
            **prefixed("critic-optimiser", optimiser_tensors(self._critic_step.optimiser)),
            **prefixed("sampler", self._sampler.state()),
            "rng": self._rng.get_state(),
            "sums": self._sums,
        }
        if self.averaged is not None:
            tensors.update(prefixed("averaged", self.averaged.network.state_dict()))
        return Contents(tensors, {"step": self.step, "summed_steps": self._summed_steps, "device": self.device.type})

    def _restore(self, contents: Contents) -> None:
        tensors, header = contents
        self.generator.load_state_dict(tensors_under("generator", tensors))
        self.critic.load_state_dict(tensors_under("critic", tensors))
        if self.averaged is not None:
            self.averaged.network.load_state_dict(tensors_under("averaged", tensors))
        load_optimiser(self._generator_step.optimiser, tensors_under("generator-optimiser", tensors))
        load_optimiser(self._critic_step.optimiser, tensors_under("critic-optimiser", tensors))
        self._sampler.load_state(tensors_under("sampler", tensors))
        self.step = int(header["step"])
        self._summed_steps = int(header["summed_steps"])
        self._sums.copy_(tensors["sums"])
        if header["device"] == self.device.type:
            self._rng.set_state(tensors["rng"])
        else:
            self._rng.manual_seed(self.config.seed + self.step)

    def load(self, path: Path) -> float:
        """Go on from a checkpoint.

        On another kind of device the random numbers go on differently; all
        else is as it was.

        Parameters
        ----------
        path : pathlib.Path

        Returns
        -------
        float
            Seconds trained before.

        Raises
        ------
        RunError
            If the checkpoint is damaged or of other networks.
        """
        try:
            contents = Contents(*modelfile.read(path, kind="checkpoint"))
            self._restore(contents)
            return float(contents.header["seconds"])
        except (modelfile.ModelFileError, RuntimeError, KeyError, ValueError) as error:
            raise RunError(f"{path}: this checkpoint cannot be resumed from: {error}") from error

    def _side_rng(self) -> torch.Generator:
        """Random numbers of this step that leave the training's own as they are."""
        return side_rng(self.config.seed, self.step, self.device)


_LEARNED = ("generator", "critic", "averaged")
"""How the names of tensors begin that steps change, in `Contents`."""


def side_rng(seed: int, step: int, device: torch.device) -> torch.Generator:
    """Make random numbers for what is done beside a training at one of its steps."""
    return torch.Generator(device).manual_seed((seed + step) % 2**63)


def check_networks(cells: CellSet, config: TrainingConfig) -> None:
    """Refuse sizes of which no networks can be built, without building them.

    Raises
    ------
    TrainingError
    """
    architecture = architecture_named(config.architecture)
    try:
        with torch.device("meta"):
            architecture.make_generator(network_shape(cells, config))
    except ValueError as error:
        raise TrainingError(str(error)) from None


def network_shape(cells: CellSet, config: TrainingConfig) -> NetworkShape:
    """Find the sizes of the networks for some cells, pooled where they are learned as one, and settings."""
    classes = len(cells.class_names)
    usual = architecture_named(config.architecture).sizes(classes)
    width = config.width or usual.width
    return NetworkShape(
        image_size=cells.size,
        channels=cells.images[0].shape[1],
        classes=classes,
        latent_size=config.latent_size or usual.latent_size,
        width=width,
        critic_width=config.critic_width or width,
        red_portion=config.red_portion or usual.red_portion,
        extra_layers=config.extra_layers,
        critic_extra_layers=config.extra_layers if config.critic_extra_layers is None else config.critic_extra_layers,
        critic_batch_norm=config.resolved_objective.critic_batch_norm,
    )


def _contiguous(network: nn.Module) -> nn.Module:
    """Lay weights out as a file does, so that a model draws the same before it is saved and after."""
    return network.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload, no-any-return]
