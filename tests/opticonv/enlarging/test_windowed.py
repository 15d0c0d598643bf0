from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from driver import open_device
from nn import convert_to_optical
from nn.networks import build_network, parse_network_config
from opticonv.enlarging.network import load_network
from opticonv.enlarging.windowed import enlarge, enlarge_exactly

FORMS = [{"form": "original"}, {"form": "residual", "channels": 8, "blocks": 1}, {"form": "unet"}]


def _network(config: dict[str, Any]) -> nn.Module:
    torch.manual_seed(1)
    return build_network(parse_network_config(config)).eval()


@pytest.mark.parametrize("config", FORMS, ids=lambda config: config["form"])
@pytest.mark.parametrize("size", [(1, 1), (1, 41), (13, 14), (40, 27)])
def test_window_by_window_is_the_same_as_at_once(
    config: dict[str, Any], size: tuple[int, int]
) -> None:
    network = _network(config).double()
    picture = torch.rand(3, *size, dtype=torch.float64)
    with torch.no_grad():
        whole = network(picture[None])[0]
    parts: list[float] = []
    tiled = enlarge_exactly(network, picture, tile=13, on_window=parts.append)
    # Another shape is summed in another order: rounding of float64, over a dozen layers.
    torch.testing.assert_close(tiled, whole, rtol=0, atol=1e-12)
    assert parts == sorted(parts)
    assert parts[-1] == 1.0


def test_a_rim_narrower_than_the_halo_would_show() -> None:
    """The rim is needed: with one pixel less, some output differs."""
    network = load_network("original").double()
    picture = torch.rand(3, 40, 40, dtype=torch.float64, generator=torch.manual_seed(0))
    exact = enlarge_exactly(network, picture, tile=13)
    network.halo -= 1
    assert (enlarge_exactly(network, picture, tile=13) - exact).abs().max() > 1e-10


def test_by_light_too() -> None:
    network = load_network("original")
    picture = torch.rand(3, 30, 20, generator=torch.manual_seed(0))
    with open_device("emulator:ideal", device__n=32) as device:
        optical = convert_to_optical(network, device)
        with torch.no_grad():
            whole = optical(picture[None])[0]
        tiled = enlarge_exactly(optical, picture, tile=16)
    # The ideal device's error is 1e-5 of a layer's output at most; nine layers, values around 1.
    torch.testing.assert_close(tiled, whole, rtol=0, atol=2e-4)


def test_as_a_file_holds_it() -> None:
    network = load_network("original")
    picture = torch.randint(256, (3, 9, 7), dtype=torch.uint8, generator=torch.manual_seed(0))
    exact = enlarge_exactly(network, picture / 255.0)
    assert exact.max() > 1  # so that clamping is tried
    expected = (exact.clamp(0, 1) * 255).round().to(torch.uint8)
    assert torch.equal(enlarge(network, picture), expected)


def test_what_is_no_network_is_named() -> None:
    with pytest.raises(TypeError, match=r"'halo'; Identity has None"):
        enlarge(nn.Identity(), torch.zeros(3, 2, 2, dtype=torch.uint8))
