from __future__ import annotations

import numpy as np
import torch

from nn import decimate
from opticonv.enlarging.bands import enlarged_bands
from opticonv.enlarging.network import load_network
from opticonv.enlarging.picture import Picture
from opticonv.enlarging.transparency import SmoothEnlargement, with_colour_everywhere


def test_the_unseen_takes_the_nearest_seen_colour() -> None:
    colour = np.array([[[1], [9], [9], [4]]], np.uint8)
    alpha = np.array([[255, 0, 0, 1]], np.uint8)
    assert with_colour_everywhere(colour, alpha)[0, :, 0].tolist() == [1, 1, 4, 4]


def test_nothing_to_fill_or_to_fill_from() -> None:
    colour = np.zeros((2, 2, 3), np.uint8)
    for opacity in (0, 3):
        alpha = np.full((2, 2), opacity, np.uint8)
        assert with_colour_everywhere(colour, alpha) is colour


def test_opacity_passes_through_its_samples_in_any_tiling() -> None:
    rng = np.random.default_rng(0)
    picture = Picture(
        rng.integers(0, 256, (20, 30, 3), np.uint8), rng.integers(0, 256, (20, 30), np.uint8)
    )
    network = load_network("original")
    whole, tiled = (
        np.concatenate(list(enlarged_bands(network, picture, 8, tile=tile))) for tile in (64, 9)
    )
    opacity = torch.from_numpy(whole[..., 3])
    assert torch.equal(decimate(opacity), torch.from_numpy(picture.alpha))
    assert np.array_equal(tiled[..., 3], whole[..., 3])
    # A value at a rounding threshold may fall on its other side.
    assert np.abs(tiled.astype(int) - whole).max() <= 1


def test_black_under_transparency_does_not_bleed_into_the_seen() -> None:
    colour = np.full((8, 8, 3), 200, np.uint8)
    alpha = np.full((8, 8), 255, np.uint8)
    colour[:, 4:], alpha[:, 4:] = 0, 0
    network = load_network("original")
    result = np.concatenate(list(enlarged_bands(network, Picture(colour, alpha), 8)))
    even = np.concatenate(list(enlarged_bands(network, Picture(np.full_like(colour, 200)), 8)))
    assert np.array_equal(result[..., :3], even)


def test_smooth_enlargement_keeps_its_scale() -> None:
    assert SmoothEnlargement(4)(torch.rand(1, 1, 3, 5)).shape == (1, 1, 12, 20)
