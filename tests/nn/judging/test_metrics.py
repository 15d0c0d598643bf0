from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skimage import data
from skimage.color import deltaE_ciede2000, lab2rgb, rgb2lab
from torchmetrics.functional.image import (
    peak_signal_noise_ratio,
    structural_similarity_index_measure,
)

from nn.judging import delta_e2000, luma, psnr, ssim


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


def _photo_and_noisy() -> tuple[torch.Tensor, torch.Tensor]:
    """A colour photograph (3, 96, 80) and what noise of 5 % makes of it, both of 8 bits."""
    photo = torch.from_numpy(data.astronaut()[40:136, 180:260]).permute(2, 0, 1).double() / 255
    noise = torch.randn(photo.shape, generator=torch.Generator().manual_seed(3))
    return photo, (photo + 0.05 * noise).clamp(0, 1).mul(255).round() / 255


def test_psnr_is_torchmetrics() -> None:
    photo, noisy = _photo_and_noisy()
    wanted = peak_signal_noise_ratio(noisy, photo, data_range=1.0).item()
    # torchmetrics takes its data range and logarithm in float32: 1e-7 of 26 dB.
    assert psnr(noisy, photo) == pytest.approx(wanted, abs=1e-5)


def test_ssim_is_torchmetrics_with_the_named_window_and_constants() -> None:
    photo, noisy = _photo_and_noisy()
    _, whole = structural_similarity_index_measure(
        noisy[None],
        photo[None],
        gaussian_kernel=True,
        kernel_size=11,
        sigma=1.5,
        data_range=1.0,
        k1=0.01,
        k2=0.03,
        return_full_image=True,
    )
    # Wang's mean is over the windows that fit inside; torchmetrics also counts those that it fills
    # up by reflection, 5 pixels wide.  Both are float64, with variances of 1e-3 out of squares of
    # order 1, beside C2 = 9e-4: 1e-13 at worst.
    wanted = whole[..., 5:-5, 5:-5].mean().item()
    assert ssim(noisy, photo) == pytest.approx(wanted, abs=1e-12)


def test_ssim_of_constants_is_its_luminance_term() -> None:
    # No variance: (2 a b + C1) / (a² + b² + C1), C1 = (0.01)², by hand.
    a, b = 51 / 255, 102 / 255
    wanted = (2 * a * b + 1e-4) / (a * a + b * b + 1e-4)
    found = ssim(torch.full((1, 20, 20), a), torch.full((1, 20, 20), b))
    assert found == pytest.approx(wanted, abs=1e-9)


def test_ssim_refuses_pictures_smaller_than_its_window() -> None:
    with pytest.raises(ValueError, match="11 pixels a side, got 10×20"):
        ssim(torch.zeros(3, 20, 10), torch.zeros(3, 20, 10))


#: L*, a*, b* of two colours and their CIEDE2000 difference: pairs 1, 4, 7, 10, 13, 17, 19, 24, 25
#: and 34 of Sharma, Wu, Dalal, Color Res. Appl. 30:21 (2005), table 1.
SHARMA = [
    ((50.0, 2.6772, -79.7751), (50.0, 0.0, -82.7485), 2.0425),
    ((50.0, -1.3802, -84.2814), (50.0, 0.0, -82.7485), 1.0000),
    ((50.0, 0.0, 0.0), (50.0, -1.0, 2.0), 2.3669),
    ((50.0, 2.4900, -0.0010), (50.0, -2.4900, 0.0010), 7.1792),
    ((50.0, -0.0010, 2.4900), (50.0, 0.0009, -2.4900), 4.8045),
    ((50.0, 2.5, 0.0), (73.0, 25.0, -18.0), 27.1492),
    ((50.0, 2.5, 0.0), (56.0, -27.0, -3.0), 31.9030),
    ((50.0, 2.5, 0.0), (50.0, 3.2592, 0.3350), 1.0000),
    ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
    ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
]


@pytest.mark.parametrize(("first", "second", "wanted"), SHARMA)
def test_the_colour_difference_in_use_has_the_published_values(
    first: tuple[float, ...], second: tuple[float, ...], wanted: float
) -> None:
    assert deltaE_ciede2000(np.array(first), np.array(second)) == pytest.approx(wanted, abs=5e-5)


def test_colour_difference_of_pictures_is_the_mean_of_their_pixels() -> None:
    # Two of Sharma's colours that sRGB holds, as 8-bit pixels; the same colour in two pixels of
    # three, so the mean is a third of the pair's own difference.
    pair = [np.round(lab2rgb(np.array(SHARMA[8][i])) * 255) / 255 for i in (0, 1)]
    own = float(deltaE_ciede2000(rgb2lab(pair[0]), rgb2lab(pair[1])))
    assert own == pytest.approx(SHARMA[8][2], abs=0.25)  # rounding to 8 bits moves b* by 0.2
    target = torch.from_numpy(np.array(pair[0])).view(3, 1, 1).repeat(1, 1, 3)
    output = target.clone()
    output[:, 0, 1] = torch.from_numpy(pair[1])
    assert delta_e2000(output, target) == pytest.approx(own / 3)
    assert delta_e2000(target, target) == 0.0


def test_colour_difference_sees_black_against_white_as_100() -> None:
    black, white = torch.zeros(3, 2, 2), torch.ones(3, 2, 2)
    # L* from 0 to 100; S_L (L̄* = 50) is 1.
    assert delta_e2000(black, white) == pytest.approx(100.0, abs=0.01)


def test_a_colour_difference_needs_colours() -> None:
    with pytest.raises(ValueError, match="3 channels, got 1"):
        delta_e2000(torch.zeros(1, 8, 8), torch.zeros(1, 8, 8))
