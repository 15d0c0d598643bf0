"""Two real pictures in a frame: the same spectra from half the frames."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from driver import open_device
from driver.errors import CapabilityError, DTypeError, ValueRangeError

N = 16
# The ideal device's own error is below 1e-6; sums and differences of two spectra double it.
CLOSE = 4e-6


def _pictures(*shape: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    scales = 10.0 ** rng.uniform(-3, 3, (*shape, 1, 1))
    return (rng.normal(size=(*shape, N, N)) * scales).astype(np.float32)


def _worst(y: np.ndarray, exact: np.ndarray) -> float:
    """Largest error of a picture, relative to that picture: a small one must not drown."""
    size = np.abs(exact).max((-2, -1))
    return float((np.abs(y - exact).max((-2, -1)) / size).max())


@pytest.mark.parametrize("shape", [(1,), (2,), (5,), (2, 3)])
def test_packed_is_the_transform(shape: tuple[int, ...]) -> None:
    x = _pictures(*shape)
    with open_device("emulator:ideal", device__n=N) as device:
        spectra = device.transform(x, pack=True)
        count = int(np.prod(shape))
        assert device.telemetry().frames == (count + 1) // 2
        exact = np.fft.fft2(x, norm="ortho")
        assert spectra.dtype == np.complex64
        assert _worst(spectra, exact) < CLOSE
        back = device.transform(exact.astype(np.complex64), inverse=True, pack=True)
        assert _worst(back, x) < CLOSE
        assert not np.any(back.imag)


def test_kind_and_emptiness() -> None:
    with open_device("emulator:ideal", device__n=N) as device:
        assert isinstance(device.transform(torch.zeros(2, N, N), pack=True), torch.Tensor)
        assert device.transform(np.zeros((0, N, N), np.float32), pack=True).shape == (0, N, N)
        assert device.telemetry().frames == 1


def test_refusals_come_before_any_frame() -> None:
    x = _pictures(2)
    with open_device("emulator:ideal", device__n=N) as device:
        with pytest.raises(DTypeError, match="real pictures"):
            device.transform(x.astype(np.complex64), pack=True)
        with pytest.raises(ValueRangeError, match="Hermitian"):
            device.transform(x * 1j + x, inverse=True, pack=True)
        with pytest.raises(CapabilityError, match="operand"):
            device.transform(x, operand=x, pack=True)
        with pytest.raises(ValueRangeError, match="pack"):
            device.transform(x, pack="yes")  # type: ignore[arg-type]
        assert device.telemetry().frames == 0
