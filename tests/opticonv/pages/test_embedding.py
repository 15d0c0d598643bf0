from __future__ import annotations

import base64
import io

import numpy as np
import pytest
import torch
from PIL import Image

from opticonv.pages.embedding import Embedded, embed


def smooth(side: int) -> torch.Tensor:
    rows, columns = np.mgrid[0:side, 0:side] / side
    planes = [128 + 100 * np.sin(7 * rows + k) * np.cos(9 * columns) for k in range(3)]
    return torch.from_numpy(np.stack(planes).astype(np.uint8))


def noise(side: int) -> torch.Tensor:
    values = np.random.default_rng(0).integers(0, 256, (3, side, side), dtype=np.uint8)
    return torch.from_numpy(values)


def data_of(embedded: Embedded) -> bytes:
    kind, _, text = embedded.uri.partition(",")
    assert kind == "data:image/webp;base64"
    return base64.b64decode(text)


def pixels_of(embedded: Embedded) -> np.ndarray:
    with Image.open(io.BytesIO(data_of(embedded))) as image:
        return np.asarray(image.convert("RGB")).transpose(2, 0, 1)


def test_what_fits_is_kept_without_loss() -> None:
    picture = smooth(96)
    embedded = embed(picture, 130_000)
    assert (embedded.width, embedded.height, embedded.loss) == (96, 96, "")
    assert np.array_equal(pixels_of(embedded), picture.numpy())


def test_what_does_not_fit_is_compressed_until_it_does_and_says_by_how_much() -> None:
    picture, limit = noise(128), 20_000
    embedded = embed(picture, limit)
    assert len(data_of(embedded)) <= limit
    wrong = pixels_of(embedded).astype(float) - picture.numpy()
    db = 10 * np.log10(255**2 / np.mean(wrong**2))
    assert f"{db:.1f} dB to what was computed" in embedded.loss


def test_what_can_never_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="128×128 pixels do not fit in 100 bytes"):
        embed(noise(128), 100)
