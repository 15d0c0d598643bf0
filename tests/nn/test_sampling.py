from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from nn import bicubic_upsample, decimate


def test_picks_the_pixels_of_pillows_nearest_and_torchs_nearest_exact() -> None:
    picture = torch.arange(32.0 * 16).view(1, 1, 32, 16)
    small = decimate(picture, 8)
    assert small[0, 0, 0].tolist() == [4 * 16 + 4, 4 * 16 + 12]
    assert torch.equal(small, functional.interpolate(picture, (4, 2), mode="nearest-exact"))
    pillow = Image.fromarray(picture[0, 0].numpy()).resize((2, 4), Image.Resampling.NEAREST)
    assert np.array_equal(small[0, 0].numpy(), np.asarray(pillow))


def test_bicubic_passes_through_the_samples_it_was_given() -> None:
    small = torch.rand(2, 3, 6, 5, dtype=torch.float64)
    assert torch.equal(decimate(bicubic_upsample(small)), small)


def test_bicubic_is_aligned_and_reproduces_parabolas() -> None:
    # Keys's kernel with a = -1/2 is exact to second order, away from the edges; a baseline that
    # believed in centred pixels would be off by half a pixel's slope everywhere.
    x = torch.arange(96, dtype=torch.float64)
    picture = (0.3 * x**2 - 5.0 * x + 2.0)[:, None] + 3.0 * x[None, :]
    enlarged = bicubic_upsample(decimate(picture))
    inside = slice(16, 80)
    # 4 taps on values of order 3e3 in float64: 3e3 * 2e-16 * 4 per axis.
    assert (enlarged - picture)[inside, inside].abs().max() < 1e-10


def test_a_size_that_is_no_multiple_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 8"):
        decimate(torch.zeros(3, 20, 16))
