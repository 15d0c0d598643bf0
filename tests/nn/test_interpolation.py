from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from nn.interpolation import INTERPOLATIONS, Interpolation, interpolate
from nn.sampling import decimate

PILLOW = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos3": Image.Resampling.LANCZOS,
}


@pytest.mark.parametrize("kind", INTERPOLATIONS)
def test_gives_back_the_samples_it_was_given(kind: Interpolation) -> None:
    small = torch.rand(2, 3, 6, 5, dtype=torch.float64)
    # torch.sinc at whole numbers is 4e-17 instead of 0; six such weights an axis.
    assert (decimate(interpolate(small, kind)) - small).abs().max() < 1e-15


@pytest.mark.parametrize("kind", INTERPOLATIONS)
def test_a_flat_picture_stays_flat_to_its_edges(kind: Interpolation) -> None:
    flat = torch.full((1, 4, 3), 0.7, dtype=torch.float64)
    assert (interpolate(flat, kind) - 0.7).abs().max() < 1e-15


@pytest.mark.parametrize("scale", [2, 3, 8])
@pytest.mark.parametrize("kind", ["bilinear", "bicubic"])
def test_a_ramp_comes_back_where_it_was(kind: Interpolation, scale: int) -> None:
    x = torch.arange(12.0 * scale, dtype=torch.float64)
    ramp = 2.0 * x[:, None] - 3.0 * x[None, :]
    inside = slice(3 * scale, -3 * scale)
    # Weights that are exact to the first order, on values of order 300 in float64; half a pixel
    # of misalignment would be an error of 1 to 2.5.
    error = interpolate(decimate(ramp, scale), kind, scale) - ramp
    assert error[inside, inside].abs().max() < 1e-12


def test_lanczos_follows_a_ramp_on_the_spot() -> None:
    x = torch.arange(96.0, dtype=torch.float64)
    enlarged = interpolate(decimate(x.expand(96, 96)), "lanczos3")
    error = (enlarged - x)[24:72, 24:72]
    # Windowing the sinc costs its exactness: between the samples it misses a ramp by up to 2.0 %
    # of a low-resolution pixel, both ways alike, so that the mean stays where it was.
    assert error.abs().max() < 0.0205 * 8
    assert error.mean().abs() < 1e-12


@pytest.mark.parametrize("kind", INTERPOLATIONS)
def test_the_kernel_is_pillows(kind: Interpolation) -> None:
    # Pillow believes in centred pixels: it reads at (x + 1/2)/s - 1/2, this module at
    # (x - s//2)/s, for s = 2k+1 the same numbers.  So at an odd scale the two agree everywhere
    # inside, where Pillow has no edge of its own.
    small = np.random.default_rng(0).random((12, 10), dtype=np.float32)
    wanted = np.asarray(Image.fromarray(small).resize((90, 108), PILLOW[kind]))
    found = interpolate(torch.from_numpy(small), kind, 9).numpy()
    inside = np.s_[27:-27, 27:-27]
    # float32 sums of up to 36 products of order 1.
    assert np.abs(found - wanted)[inside].max() < 1e-5


def test_nearest_repeats_whole_blocks() -> None:
    small = torch.rand(1, 3, 4)
    wanted = small.repeat_interleave(8, -1).repeat_interleave(8, -2)
    assert torch.equal(interpolate(small, "nearest"), wanted)


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="'sinc'; there are nearest, bilinear, bicubic, lanczos3"):
        interpolate(torch.zeros(4, 4), "sinc")  # type: ignore[arg-type]
