from __future__ import annotations

import math

import pytest
import torch

from nn.metrics import luma, psnr, ssim


def test_psnr_of_a_known_error() -> None:
    target = torch.full((3, 16, 16), 100 / 255)
    output = torch.full((3, 16, 16), 110 / 255)
    assert psnr(output, target) == pytest.approx(20 * math.log10(255 / 10))
    assert psnr(target, target) == math.inf


def test_pictures_are_measured_as_an_8_bit_file_would_hold_them() -> None:
    target = torch.rand(3, 16, 16).mul(255).round() / 255
    assert psnr(target + 0.4 / 255, target) == math.inf
    assert psnr(torch.full((3, 16, 16), 1.7), torch.ones(3, 16, 16)) == math.inf


def test_ssim_is_one_for_equals_and_falls_with_noise() -> None:
    target = torch.rand(3, 32, 32)
    assert ssim(target, target) == pytest.approx(1.0)
    little = ssim(target + 0.05 * torch.randn(3, 32, 32), target)
    much = ssim(target + 0.5 * torch.randn(3, 32, 32), target)
    assert much < little < 1.0


def test_luma_of_white_and_black_is_studio_range() -> None:
    picture = torch.stack([torch.ones(3, 1, 1), torch.zeros(3, 1, 1)])
    assert luma(picture).flatten().tolist() == pytest.approx([235 / 255, 16 / 255])


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match="one shape"):
        psnr(torch.zeros(3, 8, 8), torch.zeros(3, 8, 9))
    with pytest.raises(ValueError, match="one shape"):
        ssim(torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8))
