"""What a device's data sheet says of it: sizes, types, timing and nominal values.

Nothing here is measured and nothing here is the truth of one specimen: two devices of one profile
differ only in their serial.  True values are known to the fabrication alone, and calibration
(`driver.calibration`) finds them through `expose`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

__all__ = ["REFERENCE_STEPS", "DeviceInfo", "NominalValues", "Timing"]

REFERENCE_STEPS = {"four_step": 4, "three_step": 3, "intensity": 1}
"""Camera readouts of one exposure, by detection; of three, the first is without reference."""


@dataclass(frozen=True, slots=True)
class NominalValues:
    """Design values of the chip, the lens, the reference arm and the camera.

    Stages are 0 (a) and 1 (b).  A modulator stage transmits
    ``(b0 + b1 exp(i theta)) exp(i phi)``; `b0` and `b1` carry the insertion loss.
    """

    p_pi_mw: float
    """Heater power for a phase of pi [mW]."""
    power_full_mw: float
    """Heater power at full code, at the cold resistance [mW]."""
    resistance_slope_per_mw: float
    """beta of R = R0 (1 + beta P) [1/mW]."""
    link_nearest: float
    """Thermal crosstalk to the nearest neighbour, relative to self-heating."""
    link_diagonal: float
    """Thermal crosstalk to a diagonal neighbour, relative to self-heating."""
    link_partner: float
    """Thermal crosstalk between the two heaters of one pixel and stage."""
    b0: float
    """Amplitude of the arm without heater, insertion loss included."""
    b1: float
    """Amplitude of the heated arm, insertion loss included."""
    signal_rate_photons_per_us: float
    """Photons/us on a camera pixel for abs(F)^2 = 1 behind a lossless chip, launch step 0."""
    reference_rate_photons_per_us: float
    """Photons/us of the reference beam on a camera pixel."""
    launch_step_db: float
    """Power attenuation of one step of the launch attenuator [dB]."""
    launch_steps: int
    """Number of launch attenuator steps; step 0 is the brightest."""
    element_width_fraction: float
    """Width of the chip's emitters in pixel pitches (envelope of the output plane)."""
    qe: float
    """Quantum efficiency [e-/photon]."""
    gain_e_per_dn: float
    """System gain [e-/DN]."""
    full_well_e: float
    """Full well capacity [e-]."""
    read_noise_e: float
    """Read noise, RMS [e-]."""
    black_level_dn: float
    """Black level [DN]."""
    reference_waist_px: float
    """Gaussian waist (1/e field radius) of the reference beam [camera pixels]; inf when flat."""
    launch_default_step: int = 16
    """Launch attenuator step of codes that say none."""
    link_ring: tuple[float, ...] = (0.0, 0.0, 0.0)
    """Thermal crosstalk at 2, sqrt(5) and sqrt(8) pitches, relative to self-heating."""
    substrate_k_per_mw: tuple[tuple[float, ...], ...] = ((0.0,) * 3,) * 3
    """Rise R_pm of the chip's temperature per power of the heaters, by cosine mode [K/mW]:
    sum_pm R_pm C_p(r) C_m(q) sum_r'q' C_p(r') C_m(q') P(r', q'), C_p(r) = cos(pi p (r + 1/2)/N)."""
    ambient_rad_per_k: float = 0.0
    """Phase of theta per kelvin of the chip [rad/K]."""
    wavelength_nm: float = 1550.0
    """Wavelength of the laser [nm]."""
    wavelength_rad_per_pm: float = 0.0
    """Phase of theta per change of the wavelength [rad/pm]."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Durations of a frame's parts [us]."""

    write_us: float
    """Writing the codes."""
    settle_us: float
    """Waiting for the heaters."""
    tau_us: float
    """Thermal time constant of the heaters."""
    exposure_us: float
    """Default exposure of one reference step."""
    exposure_range_us: tuple[float, float]
    """Shortest and longest exposure."""
    readout_us: float
    """Camera readout after each exposure."""
    reference_steps: int = 4
    """Reference steps of one exposure."""

    def frame_us(
        self, exposures: int = 1, steps: int | None = None, exposure_us: float | None = None
    ) -> float:
        """Duration of one frame of `exposures` exposures of `steps` reference steps [us].

        By default the steps and the exposure are the device's.
        """
        steps = self.reference_steps if steps is None else steps
        exposure = self.exposure_us if exposure_us is None else exposure_us
        return self.write_us + self.settle_us + exposures * steps * (exposure + self.readout_us)

    def grown(self, factor: float) -> Timing:
        """Timing of a device whose sides are `factor` times as long, a converter to each row.

        Writing and reading take longer in proportion to the side; settling and exposure do not.
        """
        return replace(self, write_us=self.write_us * factor, readout_us=self.readout_us * factor)


@dataclass(frozen=True, slots=True)
class DeviceInfo:
    """Identity, interface and data sheet of an open device."""

    serial: str
    """Serial number of the specimen."""
    grid: tuple[int, int]
    """Pixels (rows, columns) of the chip and of the camera."""
    layout: str
    """"mft" (modulate, multiply, lens, camera) or "4f"."""
    detection: str
    """"four_step", "three_step" or "intensity"."""
    dac_bits: int
    """Bits of a heater code; 0: unquantised float32 in [0, 1]."""
    adc_bits: int
    """Bits of a camera count; 0: unquantised float32."""
    code_dtype: np.dtype[Any]
    """dtype of the codes that `expose` takes."""
    count_dtype: np.dtype[Any]
    """dtype of the counts that `expose` returns."""
    abi_version: int
    """Version of the C interface behind the device."""
    profile_name: str
    """Name of the device profile."""
    profile_hash: str
    """Hash of the profile's content."""
    nominal: NominalValues
    """Design values."""
    timing: Timing
    """Durations of a frame's parts."""
    nominal_is_true: bool = False
    """Whether every tolerance is zero, so that there is nothing to calibrate."""
    power_w: float = 0.0
    """Mean electrical power while working, heaters, laser, camera and electronics [W]."""

    @property
    def reference_steps(self) -> int:
        """Camera readouts of one exposure with ``reference="steps"``."""
        return REFERENCE_STEPS[self.detection]

    @property
    def code_max(self) -> float:
        """Largest code: 2**dac_bits - 1, or 1.0 for unquantised codes."""
        return float(2**self.dac_bits - 1) if self.dac_bits else 1.0

    @property
    def count_max(self) -> float:
        """Largest count: 2**adc_bits - 1, or inf for unquantised counts."""
        return float(2**self.adc_bits - 1) if self.adc_bits else float("inf")
