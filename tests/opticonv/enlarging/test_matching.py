from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage.exposure import match_histograms

from opticonv.enlarging.matching import matched_bands, matched_picture
from opticonv.enlarging.picture import Picture


@pytest.mark.parametrize("channels", [1, 3])
def test_as_scikit_image_does_it(tmp_path: Path, channels: int) -> None:
    rng = np.random.default_rng(0)
    small = rng.integers(40, 200, (9, 8, channels), dtype=np.uint8)
    large = rng.integers(0, 65536, (72, 64, channels), dtype=np.uint16) // 3
    expected = match_histograms(large, small.astype(np.uint16) * 257, channel_axis=-1)
    bands = iter([large[:30], large[30:41], large[41:]])
    matched = np.concatenate(list(matched_bands(bands, Picture(small), tmp_path)))
    # scikit-image cuts what is behind the point, where this rounds.
    difference = matched.astype(int) - expected
    assert set(np.unique(difference)) <= {0, 1}
    assert list(tmp_path.iterdir()) == []


def test_a_picture_in_memory() -> None:
    rng = np.random.default_rng(0)
    small = rng.integers(40, 200, (9, 8, 3), dtype=np.uint8)
    large = rng.integers(0, 90, (72, 64, 3), dtype=np.uint8)
    exact = match_histograms(large.astype(float), small.astype(float), channel_axis=-1)
    # Half a code of rounding, and 1/514 of the 16-bit table's.
    assert np.abs(matched_picture(large, small) - exact).max() <= 0.502


def test_the_unseen_does_not_count(tmp_path: Path) -> None:
    colour = np.array([[[10], [20], [255]]], np.uint8)
    alpha = np.array([[255, 255, 0]], np.uint8)
    band = np.array([[[0, 9], [1, 9], [60000, 0]]], np.uint16)
    (matched,) = matched_bands(iter([band]), Picture(colour, alpha), tmp_path)
    assert matched[0, :2, 0].tolist() == [10 * 257, 20 * 257]
    assert np.array_equal(matched[..., 1], band[..., 1])


def test_a_picture_that_nobody_sees_stays(tmp_path: Path) -> None:
    colour, alpha = np.array([[[10]]], np.uint8), np.array([[0]], np.uint8)
    band = np.array([[[77, 0]]], np.uint16)
    (matched,) = matched_bands(iter([band]), Picture(colour, alpha), tmp_path)
    assert np.array_equal(matched, band)
