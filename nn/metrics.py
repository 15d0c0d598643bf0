"""Picture quality: PSNR and SSIM, on RGB or on luma."""

from __future__ import annotations

import math

import torch
from skimage.metrics import structural_similarity

__all__ = ["luma", "psnr", "ssim"]


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


def _as_shown(picture: torch.Tensor) -> torch.Tensor:
    """The picture as an 8-bit file would hold it: clamped to [0, 1], rounded to 1/255."""
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

    Raises
    ------
    ValueError
        If the shapes differ or are not (C, H, W).
    """
    _check(output, target)
    error = (_as_shown(output) - _as_shown(target)).square().mean().item()
    return math.inf if error == 0 else -10.0 * math.log10(error)


def ssim(output: torch.Tensor, target: torch.Tensor) -> float:
    """Structural similarity (Wang 2004: Gaussian window of sigma 1.5), mean over channels.

    Parameters and errors as for `psnr`.
    """
    _check(output, target)
    return float(
        structural_similarity(
            _as_shown(output).numpy(),
            _as_shown(target).numpy(),
            data_range=1.0,
            channel_axis=0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
    )
