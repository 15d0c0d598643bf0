"""One specimen of a profile on the bench: what the golden model says of it.

The codes come from the driver, as they would for a real device; the physics behind the boundary is
`optical_device`.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver import DeviceInfo, UncalibratedWarning, open_device
from optical_device import modulator, thermal
from optical_device.fabrication import Fabrication, fabricate
from optical_device.golden import expose_frames
from optical_device.profile import load_profile
from optical_device.stages import (
    chip_field,
    heater_powers,
    settled_phases,
    steady_phases,
    surroundings,
)
from opticonv.device.known_codes import convolution_codes
from opticonv.opening import calibrate_with_progress

__all__ = [
    "HeaterFrame",
    "Program",
    "Specimen",
    "camera_spectrum",
    "difference",
    "heater_frame",
    "light_leaving_chip",
    "saturates",
]

Complexes = NDArray[np.complex128]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Program:
    """Two frames of heater codes, the first only to be remembered, and how to expose them."""

    codes: NDArray[Any]
    """(2, 2, 2, N, N): frame, stage, heater, row, column."""
    dac_bits: int
    launch_step: int
    start_ns: int
    """Device time of the second frame [ns]."""

    def drive(self) -> Floats:
        """Heater voltages over full scale, of the codes' shape."""
        return np.asarray(modulator.drive_fraction(self.codes, self.dac_bits))

    def codes_for(self, dac_bits: int) -> NDArray[Any]:
        """The codes of a converter that may have another resolution."""
        if dac_bits == self.dac_bits:
            return self.codes
        if not dac_bits:
            return self.drive().astype(np.float32)
        return np.rint(self.drive() * (2**dac_bits - 1)).astype(np.uint16)


@dataclass(frozen=True)
class Specimen:
    """A device: profile, overrides of its values, and seed."""

    name: str
    seed: int
    overrides: Mapping[str, Any]

    def fabricated(self, more: Mapping[str, Any] | None = None) -> Fabrication:
        """True values of this specimen, or of one that differs in `more` overrides only."""
        return fabricate(load_profile(self.name, **{**self.overrides, **(more or {})}), self.seed)

    def encoded(
        self,
        pictures: Complexes,
        after_s: float,
        *,
        more: Mapping[str, Any] | None = None,
        calibrated: bool = False,
    ) -> Program:
        """Two pictures as the driver encodes them.

        Parameters
        ----------
        pictures : (2, N, N)
            The second one is looked at; the first is the frame before it.
        after_s : float
            Device time between the end of the calibration and the frame [s].
        more : mapping, optional
            Overrides of the device that the driver believes to have.
        calibrated : bool
            Whether it is calibrated first; else the driver goes by the data sheet.
        """
        overrides = {**self.overrides, **(more or {})}
        if load_profile(self.name, **overrides).device.detection == "intensity":
            # The driver encodes for devices that see phases; heaters are the same in both.
            overrides["device__detection"] = "four_step"
        with (
            open_device(f"emulator:{self.name}", seed=self.seed, **overrides) as device,
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore", UncalibratedWarning)
            if calibrated:
                calibrate_with_progress(device)
            encoded = device.encode(pictures.astype(np.complex64))
            now_ns = round(device.telemetry().device_time_s * 1e9)
        return Program(
            codes=np.asarray(encoded.codes),
            dac_bits=device.info.dac_bits,
            launch_step=int(encoded.launch_step[1]),
            start_ns=now_ns + round(after_s * 1e9),
        )

    def with_known_codes(
        self, pictures: Complexes, spectrum: Complexes, more: Mapping[str, Any] | None = None
    ) -> Program:
        """Pictures on the first chip, a filter's spectrum on the second, of layout 4f.

        With codes of one who knows this specimen, or the one that differs in `more` overrides.
        """
        device = self.fabricated(more)
        codes = convolution_codes(device, pictures, spectrum)
        return Program(codes, device.profile.device.dac_bits, launch_step=0, start_ns=0)

    def info(self) -> DeviceInfo:
        """The data sheet.

        Raises
        ------
        driver.DriverError
            There is no such profile, or an override or the seed is not allowed.
        """
        with open_device(f"emulator:{self.name}", seed=self.seed, **self.overrides) as device:
            return device.info


@dataclass(frozen=True)
class HeaterFrame:
    """Heaters of a frame, each (2, 2, N, N) by stage (a, b), heater (theta, phi)."""

    power_mw: Floats
    own_rad: Floats
    """Phase by the heater's own power."""
    phase_rad: Floats
    """Phase by all heat of this frame, its neighbours' included."""
    left_rad: Floats
    """What is left of this frame's phase while the next one is exposed."""


def heater_frame(fabrication: Fabrication, drive: Floats) -> HeaterFrame:
    """Heaters at relative voltages `drive` (2, 2, N, N), settled."""
    power = np.asarray(heater_powers(fabrication, drive))
    steady = np.asarray(steady_phases(fabrication, power))
    return HeaterFrame(
        power_mw=power,
        own_rad=np.asarray(thermal.phases(power, fabrication.p_pi_mw)),
        phase_rad=steady,
        left_rad=np.asarray(settled_phases(fabrication, np.zeros_like(steady), steady)),
    )


def light_leaving_chip(
    fabrication: Fabrication, program: Program, only: int | None = None
) -> Complexes:
    """Field behind the chip in the second frame, (N, N), 1 for a lossless pixel fully open.

    Both stages in series, or one of them (`only`) with the planes next to it: of layout 4f, each
    is a chip.
    """
    before, now = (
        steady_phases(fabrication, heater_powers(fabrication, u)) for u in program.drive()
    )
    psi = settled_phases(fabrication, now, before)
    around = surroundings(fabrication, program.start_ns)
    if only is not None:
        fabrication, psi = _single_stage(fabrication, psi, only)
    return np.asarray(chip_field(fabrication, psi, around))


def _single_stage(fabrication: Fabrication, psi: Floats, stage: int) -> tuple[Fabrication, Floats]:
    """The chip with the other stage transparent, and what light meets in front of this one."""
    n, profile = fabrication.profile.device.n, fabrication.profile
    kept = np.zeros((2, 1, 1))
    kept[stage] = 1.0
    alone = dataclasses.replace(
        fabrication,
        profile=profile.model_copy(
            update={"device": profile.device.model_copy(update={"layout": "mft"})}
        ),
        input_map=(fabrication.input_map, fabrication.middle_map)[stage],
        static_phase_rad=fabrication.static_phase_rad * kept[:, None],
        b0=np.where(kept > 0.0, fabrication.b0, np.ones((n, n))),
        b1=fabrication.b1 * kept,
    )
    return alone, np.asarray(psi * kept[:, None])


def camera_spectrum(fabrication: Fabrication, program: Program) -> Complexes:
    """Spectrum that the camera's counts of the second frame tell, (N, N) [sqrt(photons/us)].

    With four reference steps I_k = |S + r exp(i k pi/2)|^2, S = (I_0 - I_2 + i (I_1 - I_3)) / 4 r;
    with three, |S|^2, |S + r|^2 and |S + i r|^2, S = (I_1 - I_0 - r^2 + i (I_2 - I_0 - r^2)) / 2 r;
    without a reference only its magnitude, sqrt(I).  Counts are made photons, and r is taken,
    from the data sheet: nothing is corrected.  Zero frequency is at pixel (0, 0), where the driver
    has it, and the phase that follows from the axis at the centre of the chip is still in it.
    """
    profile = fabrication.profile
    camera, reference = profile.camera, profile.reference
    counts = _counts(fabrication, program).astype(np.float64)
    photons_per_dn = camera.gain_e_per_dn / (camera.qe * profile.timing.exposure_us)
    rates = (counts - camera.black_level_dn) * photons_per_dn
    if len(rates) == 1:
        return np.sqrt(np.maximum(rates[0], 0.0)).astype(np.complex128)
    beam = np.sqrt(reference.rate_photons_per_us * reference.fraction)
    if len(rates) == 3:
        parts = rates[1:] - rates[0] - beam**2
        return np.asarray((parts[0] + 1j * parts[1]) / (2.0 * beam))
    return np.asarray((rates[0] - rates[2] + 1j * (rates[1] - rates[3])) / (4.0 * beam))


def saturates(fabrication: Fabrication, program: Program) -> bool:
    """Whether any count of the second frame is at the camera's limit."""
    full_dn = fabrication.full_well_e / fabrication.gain_e_per_dn + fabrication.black_level_dn
    bits = fabrication.profile.device.adc_bits
    limit = min(full_dn, 2**bits - 1) if bits else full_dn
    return bool(_counts(fabrication, program).max() >= limit - 0.5)


def _counts(fabrication: Fabrication, program: Program) -> NDArray[Any]:
    """Counts of the second frame, (steps, N, N)."""
    device = fabrication.profile.device
    codes = program.codes_for(device.dac_bits)
    counts = expose_frames(
        fabrication,
        codes[1:],
        previous_codes=codes[0],
        first_frame=1,
        start_ns=program.start_ns,
        reference="off" if device.detection == "intensity" else "steps",
        launch_step=program.launch_step,
    )
    return np.asarray(counts[0])


def difference(spectrum: Complexes, true: Complexes) -> Complexes:
    """Spectrum minus the true one, after the complex factor that makes the difference least.

    Gain and phase common to all bins are no error: pilot frames track them.
    """
    power = float(np.sum(np.abs(spectrum) ** 2))
    factor = np.vdot(spectrum, true) / power if power > 0.0 else 0.0
    return np.asarray(factor * spectrum - true)
