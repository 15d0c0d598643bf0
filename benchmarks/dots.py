"""Dots at the sampling points of enlarged photographs, and what softening them costs.

    python benchmarks/dots.py PHOTOS [--limit 16] [--weights original ...]

Photographs of the validation split are reduced to 32² and enlarged again.  Each line: PSNR (RGB,
8 bits, mean over pictures) and the dot index with neighbours 1, 2 and 3 pixels away; of the truth,
bicubic, each network, and each network blurred by Gaussians, everywhere or around the samples alone
(weight cos²(π r / 8) of the distance r from a sample, 0 from 4 pixels on).
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from skimage.filters import gaussian

from nn import available_weights, bicubic_upsample, decimate
from nn.data import load_photos
from opticonv.enlarging import SCALE, load_network
from opticonv.enlarging.dots import dot_index
from opticonv.enlarging.softening import SoftenedSamples

DISTANCES = (1, 2, 3)


def around_samples(height: int, width: int) -> torch.Tensor:
    """Weights (H, W): 1 at the samples, 0 from half a block away on."""
    offset = torch.arange(SCALE) - SCALE // 2
    away = (offset[:, None] ** 2 + offset**2).sqrt().clamp(max=SCALE / 2)
    block = torch.cos(math.pi * away / SCALE) ** 2
    return block.repeat(height // SCALE, width // SCALE)


def blurred(picture: torch.Tensor, sigma: float, *, everywhere: bool) -> torch.Tensor:
    """A picture (3, H, W) drawn towards its Gaussian blur."""
    soft = torch.from_numpy(gaussian(picture.numpy(), sigma, mode="nearest", channel_axis=0))
    return soft if everywhere else picture.lerp(soft, around_samples(*picture.shape[1:]))


def psnr(picture: torch.Tensor, truth: torch.Tensor) -> float:
    """Of 8-bit pictures [dB]."""
    coded = (picture.clamp(0, 1) * 255).round() / 255
    return -10 * math.log10(max((coded - truth).square().mean().item(), 1e-10))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--limit", type=int, default=16)
    parser.add_argument("--weights", nargs="*", default=available_weights())
    arguments = parser.parse_args()
    pictures = load_photos(arguments.photos, "validation", limit=arguments.limit).pictures
    truths = [picture.float() / 255 for picture in pictures]
    small = [decimate(truth) for truth in truths]
    table = Table(title=f"{len(truths)} photographs")
    for column in ("picture", "PSNR dB", *(f"index at {distance}" for distance in DISTANCES)):
        table.add_column(column, justify="right")

    def add(name: str, results: list[torch.Tensor]) -> None:
        quality = [psnr(result, truth) for result, truth in zip(results, truths, strict=True)]
        dots = (
            [dot_index(result, distance=distance) for result in results] for distance in DISTANCES
        )
        means = (f"{sum(values) / len(values):.2f}" for values in dots)
        table.add_row(name, f"{sum(quality) / len(quality):.3f}", *means)

    def softened(results: list[torch.Tensor], change: Callable[..., torch.Tensor]) -> None:
        for everywhere in (True, False):
            for sigma in (1.0, 1.5, 2.0, 3.0):
                where = "everywhere" if everywhere else "around samples"
                changed = [change(result, sigma, everywhere=everywhere) for result in results]
                add(f"… blurred by {sigma:g} px {where}", changed)

    add("truth", truths)
    add("bicubic", [bicubic_upsample(picture) for picture in small])
    for weights in arguments.weights:
        network = load_network(weights)
        with torch.no_grad():
            results = [network(picture[None])[0] for picture in small]
        add(weights, results)
        with torch.no_grad():
            softly = SoftenedSamples(network)
            add("… --soften-samples", [softly(picture[None])[0] for picture in small])
        softened(results, blurred)
    Console().print(table)


if __name__ == "__main__":
    main()
