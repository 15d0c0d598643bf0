"""Figures of one picture against the true one: PSNR, SSIM, colour difference.

All of them look at a picture as an 8-bit file would hold it (`as_shown`).
"""

from __future__ import annotations

import math

import torch
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.metrics import structural_similarity

__all__ = ["SSIM_WINDOW", "as_shown", "delta_e2000", "luma", "psnr", "ssim"]

SSIM_SIGMA = 1.5
"""Standard deviation of SSIM's Gaussian window [pixels]."""

SSIM_WINDOW = 11
"""Side of SSIM's Gaussian window [pixels]; scikit-image cuts it off at 3.5 deviations, rounded."""

SSIM_K1, SSIM_K2 = 0.01, 0.03
"""Stabilising constants of SSIM, ``C_i = (K_i · data range)²``."""


def luma(picture: torch.Tensor) -> torch.Tensor:
    """Y of BT.601 in studio range, as super-resolution papers use it (Matlab's rgb2ycbcr).

    ``Y = (16 + 65.481 R + 128.553 G + 24.966 B) / 255`` for R, G, B in [0, 1].

    Parameters
    ----------
    picture : torch.Tensor, shape (..., 3, H, W), floating point

    Returns
    -------
    torch.Tensor, shape (..., 1, H, W)
    """
    red, green, blue = picture.unbind(-3)
    return ((16.0 + 65.481 * red + 128.553 * green + 24.966 * blue) / 255.0).unsqueeze(-3)


def as_shown(picture: torch.Tensor) -> torch.Tensor:
    """The picture as an 8-bit file holds it: clamped to [0, 1], rounded to 1/255; float64."""
    return (picture.detach().double().clamp(0.0, 1.0) * 255.0).round() / 255.0


def _check(output: torch.Tensor, target: torch.Tensor) -> None:
    if output.shape != target.shape or output.ndim != 3:
        raise ValueError(
            "two pictures (C, H, W) of one shape are needed, got "
            f"{tuple(output.shape)} and {tuple(target.shape)}"
        )


def psnr(output: torch.Tensor, target: torch.Tensor) -> float:
    """Peak signal-to-noise ratio ``-10 log10(mean squared error)`` [dB] of 8-bit pictures.

    Parameters
    ----------
    output, target : torch.Tensor, shape (C, H, W), peak 1
        Both are clamped to [0, 1] and rounded to 8 bits first.

    Returns
    -------
    float
        Infinite for equal pictures.

    Raises
    ------
    ValueError
        If the shapes differ or are not (C, H, W).
    """
    _check(output, target)
    error = (as_shown(output) - as_shown(target)).square().mean().item()
    return math.inf if error == 0 else -10.0 * math.log10(error)


def ssim(output: torch.Tensor, target: torch.Tensor) -> float:
    """Structural similarity (Wang 2004), mean over channels and over windows that fit inside.

    Gaussian window of 11×11 pixels and sigma 1.5, population covariances, K1 = 0.01, K2 = 0.03,
    data range 1.

    Parameters
    ----------
    output, target : torch.Tensor, shape (C, H, W), peak 1
        Both are clamped to [0, 1] and rounded to 8 bits first.

    Raises
    ------
    ValueError
        If the shapes differ or are not (C, H, W), or a side is below 11 pixels.
    """
    _check(output, target)
    if min(output.shape[-2:]) < SSIM_WINDOW:
        raise ValueError(
            f"SSIM needs {SSIM_WINDOW} pixels a side, got {output.shape[-1]}×{output.shape[-2]}"
        )
    return float(
        structural_similarity(
            as_shown(output).numpy(),
            as_shown(target).numpy(),
            data_range=1.0,
            channel_axis=0,
            gaussian_weights=True,
            sigma=SSIM_SIGMA,
            use_sample_covariance=False,
            K1=SSIM_K1,
            K2=SSIM_K2,
        )
    )


def delta_e2000(output: torch.Tensor, target: torch.Tensor) -> float:
    """Mean CIEDE2000 colour difference of two sRGB pictures (CIE 142-2001; D65, 2° observer).

    1 is about what an eye can just tell apart.

    Parameters
    ----------
    output, target : torch.Tensor, shape (3, H, W), sRGB in [0, 1]
        Both are clamped to [0, 1] and rounded to 8 bits first.

    Raises
    ------
    ValueError
        If the shapes differ or are not (3, H, W).
    """
    _check(output, target)
    if len(output) != 3:
        raise ValueError(f"a colour difference needs 3 channels, got {len(output)}")
    found, wanted = (rgb2lab(as_shown(p).numpy(), channel_axis=0) for p in (output, target))
    return float(deltaE_ciede2000(found, wanted, channel_axis=0).mean())
