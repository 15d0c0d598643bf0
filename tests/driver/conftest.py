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
from driver import Calibration, Device, open_device
from driver.library import check, ffi, lib, struct
from optical_device import lens
from optical_device.drift import Drift, drift
from optical_device.fabrication import Fabrication, fabricate
from optical_device.profile import load_profile
from optical_device.stages import chip_field, heater_powers, steady_phases, surroundings

# c_build and reference_codec are plain modules of this folder.
sys.path.insert(0, str(Path(__file__).parent))

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


def _step_sums(fabrication: Fabrication) -> tuple[complex, complex]:
    """a, b of Y = a S conj(R) + b conj(S) R, from the step phases.

    Four steps: Y = [(I0 - I2) + i (I1 - I3)] / 4.  Three, the first one dark:
    Y = [(I1 - I0 - R^2) + i (I2 - I0 - R^2)] / 2.
    """
    delta = fabrication.step_phase_rad
    if fabrication.profile.device.detection == "three_step":
        turn = np.array([1, 1j]) / 2
        return complex(turn @ np.exp(-1j * delta[1:3])), complex(turn @ np.exp(1j * delta[1:3]))
    turn = 1j ** np.arange(4) / 4
    return complex(turn @ np.exp(-1j * delta)), complex(turn @ np.exp(1j * delta))


def perfect_calibration(device: Device, seed: int, **overrides: Any) -> Calibration:
    """What an all-knowing laboratory would write down of an emulated device at device time 0.

    The equations of `driver.Calibration` with the fabrication's own values, and the drift at
    time 0.  Tests only: nothing in the driver may know this.
    """
    profile = load_profile(device.info.profile_name, **overrides)
    fab = fabricate(profile, seed)
    assert fab.serial == device.info.serial
    a, b = _step_sums(fab)
    static = fab.static_phase_rad
    now, _ = drift(0.0, fab.drift_amplitude, fab.drift_omega_rad_per_s, fab.drift_phase_rad)
    gain = (1.0 + now[Drift.LASER_POWER]) * np.exp(-1j * now[Drift.REFERENCE_PHASE])
    photons = profile.timing.exposure_us * fab.qe_map / fab.gain_e_per_dn
    rates = fab.signal_rate_photons_per_us * fab.reference_rate_photons_per_us
    reference_dn = fab.reference_rate_photons_per_us * fab.reference_map**2 * photons
    dark_dn = fab.dark_e_per_s_map * profile.timing.exposure_us * 1e-6 / fab.gain_e_per_dn
    stray_dn = fab.stray_rate_photons_per_us * photons
    reference_step = profile.source.launch_default_step
    output_map = gain * a * np.sqrt(rates) * fab.reference_map * photons * fab.output_map
    output_map = output_map * fab.launch_gain[reference_step]
    input_map = fab.input_map * fab.b0[0] * fab.b0[1] * np.exp(1j * (static[0, 1] + static[1, 1]))
    n, full = profile.device.n, device.info.code_max
    rng = np.random.default_rng(1)
    pilot = np.rint(rng.uniform(0.3, 0.9, (2, 2, n, n)) * full) if profile.device.dac_bits else None
    codes = np.full((2, 2, n, n), 0.5) if pilot is None else pilot
    psi = steady_phases(fab, heater_powers(fab, codes / full))
    saturation = fab.full_well_e / fab.gain_e_per_dn + fab.black_level_dn
    return Calibration(
        serial=device.info.serial,
        profile_hash=device.info.profile_hash,
        device_time_ns=0,
        rho=fab.b1 / fab.b0,
        theta0_rad=static[:, 0] + drifted_theta(fab),
        kappa_rad_per_mw=np.pi / fab.p_pi_mw,
        power_full_mw=fab.power_full_mw,
        beta_per_mw=fab.resistance_slope_per_mw,
        links=fab.links,
        partner=fab.partner,
        ring=fab.ring,
        substrate_rad_per_mw=fab.ambient_rad_per_k * fab.substrate_k_per_mw,
        input_map=input_map,
        output_map=output_map,
        conjugate_leak=b / np.conj(a),
        launch_gain=fab.launch_gain / fab.launch_gain[reference_step],
        black_dn=fab.black_level_dn + dark_dn + stray_dn,
        saturation_dn=min(saturation, device.info.count_max) - 0.5,
        gain_e_per_dn=fab.gain_e_per_dn,
        read_noise_e=fab.read_noise_e,
        reference_dn=reference_dn,
        pilot_codes=codes.astype(device.info.code_dtype),
        pilot_launch_step=reference_step,
        pilot_spectrum=output_map * lens.transform(chip_field(fab, psi, surroundings(fab, 0))),
    )


def drifted_theta(fab: Fabrication) -> NDArray[np.float64]:
    """What ambient, gradient and wavelength add to theta at device time 0, (N, N) [rad]."""
    around = surroundings(fab, 0)
    axis = (np.arange(fab.profile.device.n) - fab.profile.device.n // 2) / fab.profile.device.n
    kelvin = around.gradient_row_k * axis[:, None] + around.gradient_column_k * axis
    warm = fab.ambient_rad_per_k * (around.ambient_k + kelvin)
    return np.asarray(warm + fab.wavelength_rad_per_pm * around.wavelength_pm)


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
