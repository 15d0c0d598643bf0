from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from torch.nn import functional

from driver import Device, open_device


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Tensors this small only lose by waiting for a second thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class ElectronicDevice:
    """Stands where a device stands and computes with torch: no noise, no error, no light.

    Checks that what arrives is what `driver.Device.convolve2d` takes, and counts calls; notes which
    gradients were wanted.
    """

    def __init__(self) -> None:
        self.calls = 0
        self.wanted: list[tuple[bool, bool]] = []

    def convolve2d(
        self,
        x: torch.Tensor,
        w: torch.Tensor,
        *,
        stride: tuple[int, int],
        padding: tuple[int, int],
        dilation: tuple[int, int],
        groups: int,
        padding_mode: str,
        precision: str,
    ) -> torch.Tensor:
        self._check(precision, x, w)
        return _convolved(x, w, stride, padding, dilation, groups, padding_mode)

    def convolve2d_gradients(
        self,
        grad_output: torch.Tensor,
        x: torch.Tensor,
        w: torch.Tensor,
        *,
        stride: tuple[int, int],
        padding: tuple[int, int],
        dilation: tuple[int, int],
        groups: int,
        padding_mode: str,
        precision: str,
        wanted: tuple[bool, bool],
    ) -> tuple[torch.Tensor | None, torch.Tensor | None]:
        self._check(precision, grad_output, x, w)
        self.wanted.append(wanted)
        options = (stride, padding, dilation, groups, padding_mode)

        def differentiate() -> tuple[torch.Tensor, ...]:
            picture, weight = x.clone().requires_grad_(), w.clone().requires_grad_()
            output = _convolved(picture, weight, *options)
            return torch.autograd.grad(output, (picture, weight), grad_output)

        # Inside an operator autograd is off in this thread, whatever `enable_grad` says.
        with ThreadPoolExecutor(1) as pool:
            dx, dw = pool.submit(differentiate).result()
        return dx if wanted[0] else None, dw if wanted[1] else None

    def _check(self, precision: str, *tensors: torch.Tensor) -> None:
        self.calls += 1
        assert precision in ("fast", "balanced", "best")
        for tensor in tensors:
            assert tensor.dtype == torch.float32
            assert tensor.device.type == "cpu"
            assert tensor.is_contiguous()
            assert not tensor.requires_grad
            assert tensor.ndim == 4

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a device cannot be pickled")

    def __repr__(self) -> str:
        return "<electronic stand-in>"


def _convolved(
    x: torch.Tensor,
    w: torch.Tensor,
    stride: tuple[int, int],
    padding: tuple[int, int],
    dilation: tuple[int, int],
    groups: int,
    padding_mode: str,
) -> torch.Tensor:
    mode = "constant" if padding_mode == "zeros" else padding_mode
    padded = functional.pad(x, (padding[1], padding[1], padding[0], padding[0]), mode=mode)
    return functional.conv2d(padded, w, None, stride, 0, dilation, groups)


@pytest.fixture
def stand_in() -> ElectronicDevice:
    return ElectronicDevice()


@pytest.fixture(scope="session")
def lasting_stand_in() -> ElectronicDevice:
    """One for the whole session, for tests that draw many examples."""
    return ElectronicDevice()


@pytest.fixture(scope="session")
def ideal() -> Iterator[Device]:
    """A device without errors, noise or quantisation."""
    with open_device("emulator:ideal") as device:
        yield device


@pytest.fixture(scope="session")
def lab() -> Iterator[Device]:
    """A calibrated laboratory device."""
    with open_device("emulator:lab", seed=3) as device:
        device.calibrate()
        yield device
