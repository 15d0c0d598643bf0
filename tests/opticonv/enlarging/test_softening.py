from __future__ import annotations

import torch
from torch import nn

from opticonv.enlarging.dots import dot_index
from opticonv.enlarging.network import load_network
from opticonv.enlarging.softening import SoftenedSamples
from opticonv.enlarging.windowed import enlarge_exactly


def test_dots_get_fainter_and_nothing_moves_halfway_between_them() -> None:
    network = load_network("original")
    small = torch.rand(1, 3, 24, 24, generator=torch.manual_seed(0))
    with torch.no_grad():
        sharp, soft = network(small)[0], SoftenedSamples(network)(small)[0]
    for distance in (1, 2, 3):
        assert dot_index(soft, distance=distance) < 0.75 * dot_index(sharp, distance=distance)
    assert torch.equal(soft[:, ::8], sharp[:, ::8])
    assert torch.equal(soft[:, :, ::8], sharp[:, :, ::8])


def test_the_blur_is_part_of_the_halo() -> None:
    network = SoftenedSamples(load_network("original")).double()
    picture = torch.rand(3, 30, 20, dtype=torch.float64, generator=torch.manual_seed(0))
    with torch.no_grad():
        whole = network(picture[None])[0]
    # Rounding of float64, as for the network alone.
    tiled = enlarge_exactly(network, picture, tile=11)
    torch.testing.assert_close(tiled, whole, rtol=0, atol=1e-12)


class Repeated(nn.Module):
    """Every pixel 64 times."""

    scale = 8
    halo = 1

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return input.repeat_interleave(8, 2).repeat_interleave(8, 3)


def test_a_plane_stays() -> None:
    plane = torch.full((1, 3, 4, 5), 0.5)
    # The bell's weights sum to 1 within float32's rounding.
    expected = torch.full((1, 3, 32, 40), 0.5)
    torch.testing.assert_close(SoftenedSamples(Repeated())(plane), expected, rtol=0, atol=1e-6)
