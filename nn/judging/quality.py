"""All figures of an enlargement against the true picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch

from nn.interpolation import interpolate
from nn.judging.borders import Border, crop_border
from nn.judging.metrics import SSIM_WINDOW, as_shown, delta_e2000, luma, psnr, ssim
from nn.judging.perceptual import PerceptualDistance
from nn.sampling import decimate

__all__ = ["Judge", "Quality", "bicubic_quality", "evaluate", "mean_quality"]

SCALE = 8


@dataclass(frozen=True)
class Quality:
    """Figures of one picture, or the means of several.

    Attributes
    ----------
    psnr_rgb_db, psnr_y_db : float
        PSNR [dB] on RGB and on BT.601 luma.
    ssim_rgb, ssim_y : float
        SSIM on RGB (mean of the channels) and on luma.
    delta_e2000 : float
        Mean CIEDE2000 colour difference.
    perceptual : float or None
        See `PerceptualDistance`; None: not measured.
    """

    psnr_rgb_db: float
    psnr_y_db: float
    ssim_rgb: float
    ssim_y: float
    delta_e2000: float
    perceptual: float | None = None

    @classmethod
    def between(
        cls,
        output: torch.Tensor,
        target: torch.Tensor,
        *,
        border: Border = "none",
        perceptual: PerceptualDistance | None = None,
    ) -> Quality:
        """Quality of `output` against `target`, both (3, H, W) in [0, 1]; see `Judge`."""
        return Judge(target, border=border, perceptual=perceptual)(output)


class Judge:
    """Judges enlargements of one picture, whose features it works out once.

    Parameters
    ----------
    target : torch.Tensor, shape (3, H, W)
        The true picture, in [0, 1].
    border : "none", "shave-scale" or "shave-6+scale"
        What is left out along the edges of both pictures before anything is measured.
    perceptual : PerceptualDistance or None
        None: the perceptual distance is not measured.
    scale : int

    Raises
    ------
    ValueError
        There is no such border, or less is left inside it than SSIM's window.
    """

    def __init__(
        self,
        target: torch.Tensor,
        *,
        border: Border = "none",
        perceptual: PerceptualDistance | None = None,
        scale: int = SCALE,
    ) -> None:
        self._border: Border = border
        self._scale = scale
        self._target = self._seen(target)
        if min(self._target.shape[-2:]) < SSIM_WINDOW:
            raise ValueError(
                f"a picture of {target.shape[-1]}×{target.shape[-2]} pixels leaves less inside the "
                f"border of {border} than the {SSIM_WINDOW} pixels a side that SSIM needs"
            )
        self._perceptual = perceptual
        self._features = None if perceptual is None else perceptual.features(self._target)

    def _seen(self, picture: torch.Tensor) -> torch.Tensor:
        return crop_border(as_shown(picture), self._border, self._scale)

    def __call__(self, output: torch.Tensor) -> Quality:
        """Quality of one enlargement, (3, H, W); it is looked at as an 8-bit file would hold it.

        Raises
        ------
        ValueError
            Its shape is not the true picture's.
        """
        shown = self._seen(output)
        distance = None
        if self._perceptual is not None and self._features is not None:
            distance = self._perceptual.between(self._perceptual.features(shown), self._features)
        shown_y, target_y = luma(shown), luma(self._target)
        return Quality(
            psnr_rgb_db=psnr(shown, self._target),
            psnr_y_db=psnr(shown_y, target_y),
            ssim_rgb=ssim(shown, self._target),
            ssim_y=ssim(shown_y, target_y),
            delta_e2000=delta_e2000(shown, self._target),
            perceptual=distance,
        )


def mean_quality(qualities: Sequence[Quality]) -> Quality:
    """Mean over pictures of each figure (PSNRs are averaged in dB, as papers do).

    A figure that was not measured of every picture has no mean.

    Raises
    ------
    ValueError
        There are no pictures.
    """
    if not qualities:
        raise ValueError("no pictures to take a mean of")

    def mean(name: str) -> float | None:
        values = [getattr(quality, name) for quality in qualities]
        return None if None in values else sum(values) / len(values)

    return Quality(**{f.name: mean(f.name) for f in fields(Quality)})  # type: ignore[arg-type]


def bicubic_quality(target: torch.Tensor) -> Quality:
    """Of the bicubic enlargement aligned to the sampling; `target` (3, H, W) in [0, 1]."""
    return Quality.between(interpolate(decimate(target, SCALE), "bicubic", SCALE), target)


def evaluate(model: Callable[[torch.Tensor], torch.Tensor], target: torch.Tensor) -> Quality:
    """Of `model` on the decimated picture; `target` (3, H, W) in [0, 1]."""
    with torch.no_grad():
        output = model(decimate(target, SCALE)[None])[0]
    return Quality.between(output, target)
