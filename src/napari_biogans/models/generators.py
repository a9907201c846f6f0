"""Networks that draw cells from latents."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import conv_transpose2d

from napari_biogans.models.layers import SeparableConvolution, check_separable, convolution
from napari_biogans.models.shape import NetworkShape
from napari_biogans.models.stages import Stage, generator_stages

Classes = Sequence[int]


class JointGenerator(nn.Module):
    """The DCGAN generator: one network that draws all channels of a cell.

    The latent is brought to the smallest image by a transposed convolution,
    which is doubled by 4x4 transposed convolutions of stride 2 that halve the
    channels, with batch norm and ReLU after all but the last, and tanh at the
    end. There are no biases.

    Parameters
    ----------
    shape : NetworkShape
    separable : bool
        Whether red is computed from the red latent alone.
    image_channels : int, optional
        Channels that it draws; default those of a cell.

    Raises
    ------
    ValueError
        If separable and the red portion leaves some layer without a red or a
        green channel.

    References
    ----------
    Radford, Metz, Chintala, arXiv 1511.06434 (DCGAN); Osokin et al., GANs for
    Biological Image Synthesis, ICCV 2017 (separable).

    Examples
    --------
    >>> generator = JointGenerator(NetworkShape(image_size=(48, 80), width=4), separable=True)
    >>> generator(torch.randn(7, 100)).shape
    torch.Size([1, 7, 2, 48, 80])
    """

    def __init__(self, shape: NetworkShape, *, separable: bool, image_channels: int | None = None) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for stage in generator_stages(shape, image_channels or shape.channels):
            if separable:
                layers.append(SeparableConvolution(stage))
            else:
                layers.append(convolution(stage, stage.inputs.total, stage.outputs.total))
            layers += _ending(stage, stage.outputs.total)
        self.layers = nn.Sequential(*layers)

    def forward(self, latents: Tensor, classes: Classes | None = None) -> Tensor:
        """Draw one cell per latent.

        Parameters
        ----------
        latents : tensor (B, Z) or (1, B, Z)
            Standard normal; the first part is the red latent.
        classes : sequence of int, optional
            For likeness with other generators; this one has a single class.

        Returns
        -------
        tensor (1, B, C, H, W)
            In [-1, 1].
        """
        images: Tensor = self.layers(_as_images(latents.reshape(-1, latents.shape[-1])))
        return images.unsqueeze(0)


class MultiChannelGenerator(JointGenerator):
    """One network that draws red and the greens of all classes as the channels of one image.

    Parameters
    ----------
    shape : NetworkShape
    separable : bool
        Whether red is computed from the red latent alone.

    References
    ----------
    Osokin et al., ICCV 2017, section 4.2.

    Examples
    --------
    >>> generator = MultiChannelGenerator(NetworkShape(image_size=(48, 80), width=4, classes=3), separable=False)
    >>> generator(torch.randn(7, 100)).shape, generator(torch.randn(7, 100), classes=[2]).shape
    (torch.Size([1, 7, 4, 48, 80]), torch.Size([1, 7, 2, 48, 80]))
    """

    def __init__(self, shape: NetworkShape, *, separable: bool) -> None:
        super().__init__(shape, separable=separable, image_channels=multi_channel_count(shape))
        self._greens = shape.channels - 1

    def forward(self, latents: Tensor, classes: Classes | None = None) -> Tensor:
        """Draw one cell per latent.

        Parameters
        ----------
        latents : tensor (B, Z)
            Standard normal; the first part is the red latent.
        classes : sequence of int, optional
            Places of the classes whose greens are computed; default all.

        Returns
        -------
        tensor (1, B, 1 + classes * greens, H, W)
            In [-1, 1].
        """
        if classes is None:
            return super().forward(latents)
        *hidden, last, tanh = self.layers
        features = _as_images(latents)
        for layer in hidden:
            features = layer(features)
        greens = [k * self._greens + green for k in classes for green in range(self._greens)]
        images: Tensor = tanh(_only_greens(last, features, greens))
        return images.unsqueeze(0)


class IndependentGenerators(nn.Module):
    """A generator of its own for each class; all draw from the same latents.

    Parameters
    ----------
    shape : NetworkShape
    separable : bool
        Whether red is computed from the red latent alone.

    References
    ----------
    Osokin et al., ICCV 2017, section 4.2.

    Examples
    --------
    >>> generators = IndependentGenerators(NetworkShape(image_size=(48, 80), width=4, classes=3), separable=False)
    >>> generators(torch.randn(7, 100)).shape, generators(torch.randn(7, 100), classes=[2]).shape
    (torch.Size([3, 7, 2, 48, 80]), torch.Size([1, 7, 2, 48, 80]))
    """

    def __init__(self, shape: NetworkShape, *, separable: bool) -> None:
        super().__init__()
        self.generators = nn.ModuleList(JointGenerator(shape, separable=separable) for _ in range(shape.classes))

    def forward(self, latents: Tensor, classes: Classes | None = None) -> Tensor:
        """Draw one cell per class and latent.

        Parameters
        ----------
        latents : tensor (B, Z) or (K, B, Z)
            Standard normal; for all classes, or for each its own.
        classes : sequence of int, optional
            Places of the classes that are drawn; default all.

        Returns
        -------
        tensor (K, B, C, H, W)
            In [-1, 1]; of the chosen classes, in their order.
        """
        chosen = range(len(self.generators)) if classes is None else classes
        return torch.cat([self.generators[k](_of_class(latents, k)) for k in chosen])


class StarGenerator(nn.Module):
    """One red tower, and for each class a green tower that sees red at every stage.

    All classes get the very same red. Each tower has batch norms of its own.

    Parameters
    ----------
    shape : NetworkShape

    Raises
    ------
    ValueError
        If the red portion leaves some layer without a red or a green channel.

    References
    ----------
    Osokin et al., ICCV 2017, section 4.2 (star-shaped).

    Examples
    --------
    >>> generator = StarGenerator(NetworkShape(image_size=(48, 80), width=4, classes=3))
    >>> images = generator(torch.randn(7, 100))
    >>> images.shape, torch.equal(images[0, :, 0], images[2, :, 0])
    (torch.Size([3, 7, 2, 48, 80]), True)
    """

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        if shape.extra_red_portion is not None:
            raise ValueError("Towers pass red on to green alone, so extra layers have the red portion of the others.")
        stages = generator_stages(shape, shape.channels)
        for stage in stages:
            check_separable(stage)
        self._red_latent_size = shape.red_latent_size
        self.red = nn.ModuleList(_tower_stage(stage, stage.inputs.red, stage.outputs.red) for stage in stages)
        self.greens = nn.ModuleList(
            _GreenTower(_tower_stage(stage, stage.inputs.total, stage.outputs.green) for stage in stages)
            for _ in range(shape.classes)
        )

    def forward(self, latents: Tensor, classes: Classes | None = None) -> Tensor:
        """Draw red once, and a green for it per class.

        Parameters
        ----------
        latents : tensor (B, Z) or (K, B, Z)
            Standard normal; the first part is the red latent. With latents for
            each class, the red latent is that of the first.
        classes : sequence of int, optional
            Places of the classes that are drawn; default all.

        Returns
        -------
        tensor (K, B, C, H, W)
            In [-1, 1]; of the chosen classes, in their order.
        """
        reds = [_as_images(_of_class(latents, 0)[:, : self._red_latent_size])]
        for stage in self.red:
            reds.append(stage(reds[-1]))
        # One class after another: measured as fast as all at once (benchmarks/classes.md).
        return torch.stack(
            [
                torch.cat([reds[-1], self.greens[k](reds, _of_class(latents, k)[:, self._red_latent_size :])], dim=1)
                for k in (range(len(self.greens)) if classes is None else classes)
            ]
        )


class _GreenTower(nn.ModuleList):
    """The stages that draw one class's green."""

    def forward(self, reds: list[Tensor], latents: Tensor) -> Tensor:
        green = _as_images(latents)
        for red, stage in zip(reds[:-1], self, strict=True):  # the last red is the image
            green = stage(torch.cat([red, green], dim=1))
        return green


def multi_channel_count(shape: NetworkShape) -> int:
    """Count the channels of a cell that shows the greens of all classes."""
    return 1 + shape.classes * (shape.channels - 1)


def _of_class(latents: Tensor, k: int) -> Tensor:
    return latents if latents.ndim == 2 else latents[k]


def _as_images(latents: Tensor) -> Tensor:
    return latents[:, :, None, None]


def _tower_stage(stage: Stage, inputs: int, outputs: int) -> nn.Module:
    return nn.Sequential(convolution(stage, inputs, outputs), *_ending(stage, outputs))


def _ending(stage: Stage, channels: int) -> list[nn.Module]:
    if stage.kind == "final":
        return [nn.Tanh()]
    return [nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]


def _only_greens(last: nn.Module, features: Tensor, greens: list[int]) -> Tensor:
    """Compute red, and only some greens, in the last layer of a generator."""
    if isinstance(last, SeparableConvolution):
        red = last.red(features[:, : last.red_in])
        return torch.cat([red, _some_outputs(last.green, features, greens)], dim=1)
    return _some_outputs(last, features, [0, *(1 + green for green in greens)])


def _some_outputs(layer: nn.Module, features: Tensor, outputs: list[int]) -> Tensor:
    if not isinstance(layer, nn.ConvTranspose2d):
        raise TypeError(f"The last layer of a generator is a transposed convolution, not {type(layer).__name__}.")
    return conv_transpose2d(features, layer.weight[:, outputs], stride=layer.stride, padding=layer.padding)  # type: ignore[arg-type]
