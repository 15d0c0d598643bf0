from __future__ import annotations

import pytest
import torch

from nn.judging import matched_to, psnr


def test_takes_each_channels_distribution_from_the_reference() -> None:
    target = torch.rand(3, 64, 64)
    # A monotonic distortion of each channel: matching to the undistorted picture undoes it.
    distorted = 0.2 + 0.5 * target**2
    matched = matched_to(distorted, target)
    # Rounding to 8 bits merges grey values near black, where the slope of the square is nil.
    assert psnr(matched, target) > psnr(distorted, target) + 15
    assert matched.dtype == torch.float32


def test_a_smaller_picture_may_be_the_reference() -> None:
    dark = torch.rand(3, 8, 8) * 0.25
    matched = matched_to(torch.rand(3, 64, 64), dark)
    assert matched.shape == (3, 64, 64)
    # Quantiles of the output become quantiles of the reference, between its extremes.
    assert matched.max() <= dark.mul(255).round().max() / 255 + 1e-6
    assert torch.allclose(matched.mean(dim=(1, 2)), dark.mean(dim=(1, 2)), atol=0.02)


def test_refuses_other_shapes() -> None:
    with pytest.raises(ValueError, match=r"\(3, H, W\)"):
        matched_to(torch.rand(1, 8, 8), torch.rand(1, 8, 8))
