"""Is it faster to compute the networks of several classes one after another, or all at once?

    python -m benchmarks.classes [--device cpu] [--classes 3 6 41] [--widths 4 16 64] [--repeats 5]

One after another is what the package does. At once is the same weights, stacked, in
grouped convolutions (torch.func.vmap), and for the star-shaped generator also a dense
convolution of the shared red with the red parts of all green towers. Timed are a
WGAN-GP critic step with its backward passes, and drawing a batch with a backward
pass; forms are interleaved in one process. Prints how far the results of the forms
are apart, and a Markdown table of the median milliseconds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional

from napari_biogans.models import ARCHITECTURES, NetworkShape, subpixel
from napari_biogans.training.objectives import OBJECTIVES
from napari_biogans.training.reference import critic_loss

BATCH = 32
Form = Callable[[Tensor], Tensor]


def stacked(networks: nn.ModuleList, *, shared: bool) -> tuple[Form, list[Tensor]]:
    """All networks in one call, on the same input or each on its own, and the stacked weights."""
    # torch.func knows nothing of the memory formats that phases need.
    subpixel.FEW = 0
    weights, buffers = stack_module_state(list(networks))
    for weight in weights.values():
        weight.requires_grad_(True)
    template = networks[0]

    def one(weights: dict[str, Tensor], buffers: dict[str, Tensor], given: Tensor) -> Tensor:
        return functional_call(template, (weights, buffers), (given if shared else given[None],))[0]

    form = vmap(one, in_dims=(0, 0, None if shared else 0))
    return lambda given: form(weights, buffers, given), list(weights.values())


def at_once(networks: nn.ModuleList, *, shared: bool) -> Form:
    """All networks in one call; on the same input, or each on its own."""
    return stacked(networks, shared=shared)[0]


def star_at_once(star: nn.Module, red_latent_size: int) -> Form:
    """Red is convolved once for all towers, their greens in groups."""
    classes = len(star.greens)

    def draw(latents: Tensor) -> Tensor:
        reds = [latents[:, :red_latent_size, None, None]]
        for stage in star.red:
            reds.append(stage(reds[-1]))
        green = latents[:, red_latent_size:, None, None].repeat(1, classes, 1, 1)
        for s, red in enumerate(reds[:-1]):
            stages = [tower[s] for tower in star.greens]
            settings = {"stride": stages[0][0].stride, "padding": stages[0][0].padding}
            weights = [stage[0].weight for stage in stages]
            count = red.shape[1]
            of_red = torch.cat([weight[:count] for weight in weights], dim=1)
            of_green = torch.cat([weight[count:] for weight in weights])
            green = functional.conv_transpose2d(red, of_red, **settings) + functional.conv_transpose2d(
                green, of_green, groups=classes, **settings
            )
            if s < len(star.red) - 1:
                norms = [stage[1] for stage in stages]
                joined = [torch.cat([getattr(norm, part) for norm in norms]) for part in ("weight", "bias")]
                green = functional.batch_norm(green, None, None, *joined, training=True).relu()
            else:
                green = green.tanh()
        by_class = green.unflatten(1, (classes, -1)).transpose(0, 1)
        return torch.cat([reds[-1].expand(classes, *reds[-1].shape), by_class], dim=2)

    return draw


def forms_of(part: str, shape: NetworkShape, device: torch.device) -> dict[str, Form]:
    architecture = "star-shaped" if part == "star-shaped generator" else "independent"
    generator, critics = (network.to(device).train() for network in ARCHITECTURES[architecture].build(shape))
    if part == "critics":
        return {"one after another": critics, "at once": at_once(critics.critics, shared=False)}
    if part == "independent generators":
        return {"one after another": generator, "at once": at_once(generator.generators, shared=True)}
    return {"one after another": generator, "at once": star_at_once(generator, shape.red_latent_size)}


def work_of(part: str, shape: NetworkShape, device: torch.device) -> Callable[[Form], Tensor]:
    """Make what is timed: a function from a form to its result."""
    rng = torch.Generator(device).manual_seed(0)
    if part != "critics":
        latents = torch.randn(BATCH, shape.latent_size, generator=rng, device=device)
        return lambda form: form(latents).square().mean()
    real, fake = (
        torch.rand(shape.classes, BATCH, 2, *shape.image_size, generator=rng, device=device) for _ in range(2)
    )
    mix = torch.rand(shape.classes, BATCH, generator=rng, device=device)
    return lambda form: critic_loss(OBJECTIVES["wgan-gp"], form, real, fake, mix).loss.mean()  # type: ignore[arg-type]


def milliseconds(work: Callable[[Form], Tensor], form: Form, device: torch.device) -> float:
    start = time.perf_counter()
    work(form).backward()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return 1000 * (time.perf_counter() - start)


def difference(part: str, forms: dict[str, Form], shape: NetworkShape, device: torch.device) -> float:
    """Largest difference of images or scores, relative to the largest."""
    if part == "critics":
        given = torch.rand(shape.classes, BATCH, 2, *shape.image_size, device=device)
    else:
        given = torch.randn(BATCH, shape.latent_size, device=device)
    with torch.no_grad():
        first, second = (form(given) for form in forms.values())
    return ((first - second).abs().max() / first.abs().max()).item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--classes", type=int, nargs="+", default=[3, 6, 41])
    parser.add_argument("--widths", type=int, nargs="+", default=[4, 16, 64])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, help="of torch; default as it chooses")
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)

    where = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    print(f"{device.type}, {where}, batch {BATCH}, 48x80, float32; median of {arguments.repeats}, in ms\n")
    print("| networks | classes | width | one after another | at once | ratio | difference |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for part in ("critics", "independent generators", "star-shaped generator"):
        for classes in arguments.classes:
            for width in arguments.widths:
                if classes * width > 6 * 64:
                    continue
                shape = NetworkShape(image_size=(48, 80), classes=classes, width=width, critic_width=width)
                forms, work = forms_of(part, shape, device), work_of(part, shape, device)
                apart = difference(part, forms, shape, device)
                times: dict[str, list[float]] = {name: [] for name in forms}
                for repeat in range(arguments.repeats + 1):
                    for name, form in forms.items():
                        took = milliseconds(work, form, device)
                        if repeat:  # the first is for warming up
                            times[name].append(took)
                first, second = (statistics.median(took) for took in times.values())
                row = (part, classes, width, f"{first:.0f}", f"{second:.0f}", f"{second / first:.2f}", f"{apart:.0e}")
                print(f"| {' | '.join(map(str, row))} |", flush=True)


if __name__ == "__main__":
    main()
