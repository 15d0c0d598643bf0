from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from nn.judging import Judge, Quality, bicubic_quality, evaluate, mean_quality, psnr
from nn.sampling import bicubic_upsample, decimate


def test_measures_only_inside_the_border() -> None:
    target = torch.rand(3, 40, 48)
    output = target.clone()
    output[:, :8] = 0.0
    output[..., -8:] = 1.0
    assert Judge(target)(output).psnr_rgb_db < 20
    inside = Judge(target, border="shave-scale")(output)
    assert inside.psnr_rgb_db == inside.psnr_y_db == math.inf
    assert inside.ssim_rgb == inside.ssim_y == 1.0
    assert inside.delta_e2000 == 0.0


def test_luma_is_that_of_the_8_bit_picture() -> None:
    target = torch.full((3, 16, 16), 100 / 255)
    output = target + 0.4 / 255  # the same 8-bit picture
    assert Judge(target)(output).psnr_y_db == math.inf
    brighter = torch.full((3, 16, 16), 110 / 255)
    # Y = 16 + 219 R/255 for greys: 101.88 and 110.47, rounded 102 and 110.
    found = Judge(target)(brighter)
    assert found.psnr_y_db == pytest.approx(20 * math.log10(255 / 8))
    assert found.psnr_rgb_db == pytest.approx(20 * math.log10(255 / 10))


def test_mean_of_each_figure() -> None:
    first = Quality(20.0, 21.0, 0.5, 0.6, 4.0, 0.1)
    second = Quality(30.0, 23.0, 0.7, 0.8, 6.0, 0.3)
    mean = mean_quality([first, second])
    assert vars(mean) == pytest.approx(vars(Quality(25.0, 22.0, 0.6, 0.7, 5.0, 0.2)))
    assert mean_quality([first, replace(second, perceptual=None)]).perceptual is None
    with pytest.raises(ValueError, match="no pictures"):
        mean_quality([])


def test_enlargements_are_of_the_decimated_picture() -> None:
    target = torch.rand(3, 16, 24)
    wanted = psnr(bicubic_upsample(decimate(target)), target)
    assert bicubic_quality(target).psnr_rgb_db == pytest.approx(wanted)
    assert evaluate(bicubic_upsample, target) == bicubic_quality(target)


def test_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        Judge(torch.zeros(3, 16, 16))(torch.zeros(3, 16, 24))


def test_a_picture_too_small_for_ssim_is_refused_before_anything_is_enlarged() -> None:
    with pytest.raises(ValueError, match=r"32×24 pixels .* shave-scale than the 11 pixels"):
        Judge(torch.zeros(3, 24, 32), border="shave-scale")
