"""Which forms of convolutions are fastest on a GPU?

    python -m benchmarks.convolutions [--device cuda] [--batch 192] [--repeats 5]

Convolutions of critics of full size (48x80 pixels, width 64) in bfloat16, channels last:
the transposed ones, of the way back and of generators, as torch asks cuDNN for them and
by phases (`models/subpixel.py`), which also read the slopes of the LeakyReLU before; and
the first convolution, of two channels, as cuDNN's and as a product with patches
(`training/chain.py`). Each form is recorded in a CUDA graph, twenty times in a row.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import conv2d
from torch.nn.grad import conv2d_weight

from benchmarks.measuring import Report, interleaved, plain
from napari_biogans.training.chain import Convolution, _HalvingLayer, _Layer, _PatchedLayer
from napari_biogans.training.devices import choose_device

AT_ONCE = 20
LAYERS = [(64, 128, 24, 40), (128, 256, 12, 20), (256, 512, 6, 10)]
"""Channels before and after, height and width before."""


def recorded(work: Callable[[], object]) -> Callable[[], object]:
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        work()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(AT_ONCE):
            work()
    return graph.replay


def rounded(*shape: int) -> Tensor:
    return torch.randn(*shape, device="cuda").to(torch.bfloat16, memory_format=torch.channels_last)


def compared(
    name: str, operations: float, forms: dict[str, Callable[[], object]], repeats: int
) -> list[dict[str, Any]]:
    timings = interleaved(
        {form: recorded(work) for form, work in forms.items()},
        repeats=repeats,
        warm_ups=2,
        device=torch.device("cuda"),
    )
    rows = []
    for form, timing in timings.items():
        seconds = timing.median / AT_ONCE
        rows.append(
            {
                "convolution": name,
                "form": form,
                "µs": plain(1e6 * seconds),
                "TFLOP/s of the convolution": plain(operations / seconds / 1e12),
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--batch", type=int, default=192)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    report = Report("convolutions", choose_device(options.device))
    batch = options.batch
    back: list[dict[str, Any]] = []
    for inputs, outputs, height, width in LAYERS:
        layer = Convolution(rounded(outputs, inputs, 4, 4), (2, 2), (1, 1))
        activations, signal = rounded(batch, inputs, height, width), rounded(batch, outputs, height // 2, width // 2)
        forms = {kind.__name__: kind(layer, torch.bfloat16) for kind in (_Layer, _HalvingLayer)}
        operations = 2 * signal.numel() * inputs * 16
        back += compared(
            f"{inputs} to {outputs}, {height}x{width}, back",
            operations,
            {
                "cuDNN": lambda: forms["_Layer"].back(signal, activations),  # noqa: B023 -- called at once
                "as chosen": lambda: forms["_HalvingLayer"].back(signal, activations),  # noqa: B023
            },
            options.repeats,
        )
    report.add(f"The way back through a convolution and a LeakyReLU, {batch} cells", back)
    images, weight = torch.randn(batch, 2, 48, 80, device="cuda"), rounded(64, 2, 4, 4)
    first = _PatchedLayer(Convolution(weight, (2, 2), (1, 1)), torch.bfloat16)
    entered, patches = images.to(torch.bfloat16, memory_format=torch.channels_last), first.enter([images])
    signal = first(patches)
    operations = 2 * signal.numel() * 2 * 16
    report.add(
        f"The first convolution, {batch} cells",
        [
            *compared(
                "forward, from images",
                operations,
                {
                    "cuDNN": lambda: conv2d(
                        images.to(torch.bfloat16, memory_format=torch.channels_last), weight, None, 2, 1
                    ),
                    "patches": lambda: first(first.enter([images])),
                },
                options.repeats,
            ),
            *compared(
                "gradient of the weights",
                operations,
                {
                    "cuDNN": lambda: conv2d_weight(entered, weight.shape, signal, 2, 1),
                    "patches": lambda: first.gradient(patches, signal),
                },
                options.repeats,
            ),
        ],
    )


if __name__ == "__main__":
    main()
