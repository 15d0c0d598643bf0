"""Pictures of any size for a network to be tried on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from skimage import data
from torch.nn import functional

from nn.data import to_tensor
from opticonv.picture_files import read_picture

__all__ = ["photograph_batch"]


def photograph_batch(files: Sequence[Path], shape: tuple[int, int, int]) -> torch.Tensor:
    """Pictures, centre-cropped to the wanted proportions and resized: (n, *shape) in [0, 1].

    Without files, one photograph that comes with scikit-image.  Where a network takes other than
    three channels, it gets their mean, or repeats of them.
    """
    given = [read_picture(file) for file in files] or [Image.fromarray(data.astronaut())]
    channels, height, width = shape
    batch = []
    for image in given:
        picture = to_tensor(image).float() / 255
        rows, columns = picture.shape[1:]
        scale = min(rows / height, columns / width)
        crop_rows, crop_columns = max(1, int(height * scale)), max(1, int(width * scale))
        top, left = (rows - crop_rows) // 2, (columns - crop_columns) // 2
        crop = picture[:, top : top + crop_rows, left : left + crop_columns]
        batch.append(
            functional.interpolate(
                crop[None], (height, width), mode="bilinear", antialias=True, align_corners=False
            )[0]
        )
    stacked = torch.stack(batch)
    if channels == 3:
        return stacked
    return stacked.mean(1, keepdim=True).expand(-1, channels, -1, -1).contiguous()
