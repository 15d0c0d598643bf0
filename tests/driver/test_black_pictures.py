"""Pictures with nothing in them, through light that has noise of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from driver import Device

N = 16
Opener = Callable[..., Device]

EMPTY = {
    "black": np.zeros((1, 2, 10, 10), np.float32),
    # Less its polynomial, which goes around the light, nothing is left of it.
    "even": np.full((1, 2, 10, 10), 0.7, np.float32),
}


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("picture", EMPTY)
@pytest.mark.parametrize(
    ("profile", "options"),
    [
        ("lab", {"precision": "fast"}),
        ("lab", {"precision": "best"}),
        ("lab", {"precision": "fast", "product": "optical"}),
        ("lab4f", {"precision": "fast"}),
    ],
)
def test_empty_pictures_convolve(
    calibrated: Opener, profile: str, options: dict[str, str], picture: str, kernel: int
) -> None:
    """What comes back of such a frame is 1e-39, which nothing can be divided by."""
    x = EMPTY[picture]
    w = np.ones((3, 2, kernel, kernel), np.float32)
    with calibrated(f"emulator:{profile}", seed=3, device__n=N) as device:
        seen = device.convolve2d(x, w, **options)
    wanted = x.max() * 2 * kernel**2
    # The polynomial is float32's: sums of 2 k^2 terms, and its fit over 144 pixels.
    assert np.abs(seen - wanted).max() <= 1e-5 * max(1.0, wanted)
