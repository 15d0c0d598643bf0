"""How good an enlargement is: bicubic, electronic and optical, against the true picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import torch
from PIL import Image

from nn.data import to_tensor
from nn.metrics import luma, psnr, ssim
from nn.sampling import bicubic_upsample, decimate

__all__ = ["Quality", "bicubic_quality", "evaluate", "load_test_pictures", "mean_quality"]

SCALE = 8


@dataclass(frozen=True)
class Quality:
    """PSNR [dB] and SSIM of one picture or the mean of several, on RGB and on BT.601 luma."""

    psnr_rgb_db: float
    psnr_y_db: float
    ssim_rgb: float
    ssim_y: float

    @classmethod
    def between(cls, output: torch.Tensor, target: torch.Tensor) -> Quality:
        """Quality of `output` against `target`, both (3, H, W) in [0, 1]; nothing is cropped."""
        shown = output.clamp(0.0, 1.0)
        output_y, target_y = luma(shown), luma(target)
        return cls(
            psnr_rgb_db=psnr(shown, target),
            psnr_y_db=psnr(output_y, target_y),
            ssim_rgb=ssim(shown, target),
            ssim_y=ssim(output_y, target_y),
        )


def mean_quality(qualities: Sequence[Quality]) -> Quality:
    """Mean over pictures of each figure (PSNRs are averaged in dB, as papers do)."""
    if not qualities:
        raise ValueError("no pictures to take a mean of")
    rows = [asdict(quality) for quality in qualities]
    return Quality(**{f.name: sum(r[f.name] for r in rows) / len(rows) for f in fields(Quality)})


def load_test_pictures(folder: Path | str) -> Iterator[tuple[str, torch.Tensor]]:
    """Ground truth of a test set: RGB, centre-cropped to multiples of 8, otherwise untouched.

    Grey pictures become RGB of three equal channels.

    Yields
    ------
    name : str
    picture : torch.Tensor, shape (3, H, W), float32 in [0, 1]

    Raises
    ------
    FileNotFoundError
        If there is no such folder or no PNG picture in it.
    """
    paths = sorted(Path(folder).glob("*.png"))
    if not paths:
        raise FileNotFoundError(f"no PNG pictures in {folder}")
    for path in paths:
        with Image.open(path) as picture:
            full = to_tensor(picture).float() / 255.0
        height, width = (size - size % SCALE for size in full.shape[-2:])
        top = (full.shape[-2] - height) // 2
        left = (full.shape[-1] - width) // 2
        yield path.stem, full[:, top : top + height, left : left + width].contiguous()


def bicubic_quality(target: torch.Tensor) -> Quality:
    """Of the bicubic enlargement aligned to the sampling; `target` (3, H, W) in [0, 1]."""
    return Quality.between(bicubic_upsample(decimate(target, SCALE), SCALE), target)


def evaluate(model: Callable[[torch.Tensor], torch.Tensor], target: torch.Tensor) -> Quality:
    """Of `model` on the decimated picture; `target` (3, H, W) in [0, 1]."""
    with torch.no_grad():
        output = model(decimate(target, SCALE)[None])[0]
    return Quality.between(output, target)
