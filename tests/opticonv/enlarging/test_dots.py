from __future__ import annotations

import pytest
import torch

from opticonv.enlarging.dots import dot_index


def _noise() -> torch.Tensor:
    return torch.rand(3, 256, 256, generator=torch.manual_seed(0))


@pytest.mark.parametrize("distance", [1, 2, 3])
def test_noise_has_no_grid(distance: int) -> None:
    # 1024 points of three channels: the mean of |Laplacian| scatters by about 1.5 %.
    assert dot_index(_noise(), distance=distance) == pytest.approx(1.0, abs=0.08)


def test_higher_dots_show_more() -> None:
    indices = []
    for height in (0.0, 0.1, 0.2):
        picture = 0.5 + 0.01 * _noise()
        picture[:, 4::8, 4::8] += height
        indices.append(dot_index(picture))
    # The four neighbours of a dot see a quarter of its Laplacian: 4 of 63 pixels elsewhere.
    assert 1.1 < indices[1] < indices[2] < 63
    assert indices[0] < 1.1


def test_dots_elsewhere_are_no_samples() -> None:
    picture = 0.5 + 0.01 * _noise()
    picture[:, ::8, ::8] += 0.2
    assert dot_index(picture) < 1.0


def test_the_distance_tells_a_tip_from_a_wide_dot() -> None:
    tip, wide = (0.5 + 0.01 * _noise() for _ in range(2))
    tip[:, 4::8, 4::8] += 0.2
    for row in (3, 4, 5):
        for column in (3, 4, 5):
            wide[:, row::8, column::8] += 0.2
    assert dot_index(wide) < 1.0 < 5 < dot_index(tip)
    assert dot_index(wide, distance=3) > 3


def test_a_plane_has_no_index() -> None:
    with pytest.raises(ValueError, match="without any detail"):
        dot_index(torch.ones(3, 16, 16))
