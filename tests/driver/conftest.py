"""What the tests of devices share: kernels of this processor, perfect calibrations, targets."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import driver
from driver import Device, open_device
from driver.library import check, ffi, lib, struct

# c_build and reference_codec are plain modules of this folder.
sys.path.insert(0, str(Path(__file__).parent))

from perfect_knowledge import perfect_calibration

KERNELS = ("base", "v3", "v4")


def _runs_here(name: str) -> bool:
    status = lib.odev_stages_fft2(name.encode(), 1, ffi.new("float[2]"))
    return bool(status == lib.ODEV_OK)


@pytest.fixture(params=KERNELS)
def kernels(request: pytest.FixtureRequest) -> str:
    """Each set of kernels that this processor runs."""
    name = str(request.param)
    if not _runs_here(name):
        pytest.skip(f"this processor does not run the '{name}' kernels")
    return name


@pytest.fixture
def on_kernels(kernels: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The test's calls, and the devices that it opens, use one set of kernels after another."""
    monkeypatch.setenv("ODEV_KERNELS", kernels)
    return kernels


@pytest.fixture
def with_kernels(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Device]:
    """`open_device` on named kernels; skips where the processor lacks them."""

    def opened(name: str, *args: Any, **options: Any) -> Device:
        if not _runs_here(name):
            pytest.skip(f"this processor does not run the '{name}' kernels")
        monkeypatch.setenv("ODEV_KERNELS", name)
        device = open_device(*args, **options)
        caps = struct("odev_caps")
        with device._handle.use() as handle:
            check(lib.odev_get_caps(handle, caps))
        assert ffi.string(caps.kernels).decode() == name
        return device

    return opened


@pytest.fixture
def calibrated() -> Callable[..., Device]:
    """`open_device` with the perfect calibration installed."""

    def opened(uri: str, *, seed: int, threads: int | None = None, **overrides: Any) -> Device:
        device = open_device(uri, seed=seed, threads=threads, **overrides)
        device.load_calibration(perfect_calibration(device, seed, **overrides))
        return device

    return opened


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240229)


def complex_targets(rng: np.random.Generator, *shape: int) -> NDArray[np.complex64]:
    """Circular complex Gaussians: a flat spectrum."""
    made = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
    return made.astype(np.complex64)


@pytest.fixture
def targets(rng: np.random.Generator) -> Callable[..., NDArray[np.complex64]]:
    return lambda *shape: complex_targets(rng, *shape)


@pytest.fixture
def codes_for() -> Callable[..., NDArray[Any]]:
    """``(device, frames, salt=0)``: codes of random heater settings, the same for the same salt."""

    def made(device: Device, frames: int, salt: int = 0) -> NDArray[Any]:
        rng = np.random.default_rng(20240229 + salt)
        shape = (frames, 2, 2, device.n, device.n)
        if device.info.dac_bits:
            return rng.integers(0, 2**device.info.dac_bits, shape, dtype=np.uint16)
        return rng.random(shape, dtype=np.float32)

    return made


def relative_error(seen: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Euclidean norm of the difference over that of what was wanted."""
    return float(np.linalg.norm(seen - wanted) / np.linalg.norm(wanted))


@pytest.fixture
def error_of() -> Callable[[NDArray[Any], NDArray[Any]], float]:
    return relative_error


@contextlib.contextmanager
def _no_frame_exposed(device: Device) -> Iterator[None]:
    before = device.telemetry()
    yield
    after = device.telemetry()
    assert (after.frames, after.device_time_s) == (before.frames, before.device_time_s)


@pytest.fixture
def no_frame_exposed() -> Callable[[Device], contextlib.AbstractContextManager[None]]:
    """Whatever happens inside: the device exposes nothing."""
    return _no_frame_exposed


N = 16


@pytest.fixture
def lab(calibrated: Callable[..., Device]) -> Iterator[Device]:
    """A laboratory device of 16 x 16 pixels, perfectly calibrated."""
    with calibrated("emulator:lab", seed=7, device__n=N) as device:
        yield device


@pytest.fixture
def ideal() -> Iterator[Device]:
    """An ideal device of 16 x 16 pixels."""
    with open_device("emulator:ideal", seed=7, device__n=N) as device:
        yield device


@pytest.fixture
def run_python() -> Callable[[str], None]:
    """Run a script in a Python of its own; it must end well, and within two minutes."""

    def run(script: str) -> None:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", script],
            cwd=Path(driver.__file__).parents[1],  # this driver, whichever build it is
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    return run
