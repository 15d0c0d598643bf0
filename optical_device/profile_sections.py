"""Sections of a profile: the allowed values of a device's parts, as strict models.

Units are in the names; a name without a unit is a ratio, a count or a switch.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = [
    "CameraSection",
    "DeviceSection",
    "DriftSection",
    "LensSection",
    "MiddleSection",
    "ModulatorSection",
    "PowerSection",
    "ReferenceSection",
    "Section",
    "SourceSection",
    "ThermalSection",
    "TimingSection",
]

MAX_GRID = 512
LARGEST_PRIME_FACTOR = 13
LARGEST_DEVIATION = 5.0
"""Fabrication keeps its normal draws within this many standard deviations."""

Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]
NonNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
PositiveOrInf = Annotated[float, Field(gt=0.0)]
Spread = Annotated[float, Field(ge=0.0, le=0.5)]
"""Relative standard deviation of a fabricated value about its nominal one."""
Coupling = Annotated[float, Field(ge=0.0, le=0.1)]
Bits = Annotated[int, Field(ge=0, le=16)]


class Section(BaseModel):
    """A part of a profile: values of exact types, unknown names refused."""

    model_config = ConfigDict(strict=True, frozen=True, extra="forbid", ser_json_inf_nan="strings")


class DeviceSection(Section):
    """What kind of device it is."""

    name: Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_.-]+$")]
    layout: Literal["mft", "4f"]
    """mft: modulate, multiply, lens, camera; 4f: modulate, lens, modulate, lens, camera."""
    detection: Literal["four_step", "three_step", "intensity"]
    n: Annotated[int, Field(ge=2, le=MAX_GRID)]
    dac_bits: Bits
    """0: the boundary takes float32 drive fractions in [0, 1]."""
    adc_bits: Bits
    """0: the boundary gives float32 numbers, neither rounded nor clipped."""

    @model_validator(mode="after")
    def _grid_factors(self) -> DeviceSection:
        rest = self.n
        for prime in (2, 3, 5, 7, 11, 13):
            while rest % prime == 0:
                rest //= prime
        if rest != 1:
            raise ValueError(
                f"device__n={self.n} has a prime factor above {LARGEST_PRIME_FACTOR}; "
                f"use a size up to {MAX_GRID} with prime factors up to {LARGEST_PRIME_FACTOR}"
            )
        return self


class ModulatorSection(Section):
    """Heaters and Mach-Zehnder interferometers of both stages."""

    p_pi_mw: Positive
    p_pi_spread: Spread
    p_pi_lot_spread: Spread
    """Of a whole device's mean about the nominal value; so too the other lot spreads."""
    power_full_mw: Positive
    """Power at full code and cold resistance."""
    resistance_spread: Spread
    resistance_lot_spread: Spread
    resistance_slope_per_mw: NonNegative
    """Relative rise of a heater's resistance per milliwatt, beta."""
    resistance_slope_spread: Spread
    resistance_slope_lot_spread: Spread
    static_phase_range_rad: NonNegative
    """Static phases are uniform in [0, range)."""
    extinction_min_db: PositiveOrInf
    extinction_max_db: PositiveOrInf
    coupler_common_spread: Annotated[float, Field(ge=0.0, le=0.05)]
    """Standard deviation of what both couplers of a stage have in common, of the power."""
    insertion_loss_db: NonNegative
    insertion_scatter: Spread
    insertion_lot_spread: Spread
    dac_bow_lsb: Annotated[float, Field(ge=0.0, le=16.0)]
    """RMS over converters of the integral non-linearity's bow, at half scale."""
    dac_bit_weight_lsb: Annotated[float, Field(ge=0.0, le=16.0)]
    """RMS error of the weights of the four leading bits."""

    @model_validator(mode="after")
    def _ranges(self) -> ModulatorSection:
        if self.extinction_min_db > self.extinction_max_db:
            raise ValueError("modulator__extinction_min_db exceeds modulator__extinction_max_db")
        if self.power_full_mw < 2.0 * self.p_pi_mw:
            raise ValueError(
                f"modulator__power_full_mw={self.power_full_mw} cannot turn a phase by 2 pi; "
                f"it must be at least 2 modulator__p_pi_mw = {2.0 * self.p_pi_mw}"
            )
        return self


class ThermalSection(Section):
    """Heat between heaters, settling, and the surroundings."""

    link_nearest: Coupling
    heat_length_pitches: Annotated[float, Field(ge=0.0, le=1.0)]
    """Length over which the sheet's heat sinks into the substrate; the other near links follow."""
    link_partner: Coupling
    link_scatter: Spread
    link_lot_spread: Spread
    substrate_k_px_per_w: NonNegative
    """Thermal resistance to the carrier times area [pixels]: a larger chip lies on more of it."""
    substrate_length_grids: NonNegative
    """Length over which the substrate's heat sinks into the carrier."""
    substrate_spread: Spread
    interlock_k: PositiveOrInf
    """Chip temperature above which the device switches its heaters off."""
    tau_us: NonNegative
    tau_spread: Spread
    ambient_k: Positive
    ambient_rad_per_k: NonNegative
    ambient_rad_per_k_spread: Spread
    sensor_noise_k: NonNegative
    sensor_offset_k: NonNegative

    @model_validator(mode="after")
    def _interlock(self) -> ThermalSection:
        if self.interlock_k <= self.ambient_k:
            raise ValueError(
                f"thermal__interlock_k={self.interlock_k} must exceed "
                f"thermal__ambient_k = {self.ambient_k}"
            )
        return self


class SourceSection(Section):
    """Laser, launch attenuator and splitting tree."""

    laser_mw: NonNegative
    laser_nominal_mw: Positive
    rin: Spread
    """Relative intensity noise per exposure, RMS."""
    signal_rate_photons_per_us: Positive
    signal_rate_spread: Spread
    launch_step_db: Positive
    launch_steps: Annotated[int, Field(ge=1, le=256)]
    launch_default_step: Annotated[int, Field(ge=0, le=255)]
    launch_amplitude_spread: Spread
    launch_phase_error_rad: NonNegative
    tree_amplitude_spread: Spread
    tree_phase_error_rad: NonNegative
    monitor_noise: Spread
    monitor_gain_spread: Spread
    wavelength_nm: Positive
    wavelength_rad_per_pm: NonNegative
    """Phase by which theta falls as the wavelength grows."""
    wavelength_rad_per_pm_spread: Spread

    @model_validator(mode="after")
    def _default_step(self) -> SourceSection:
        if self.launch_default_step >= self.launch_steps:
            raise ValueError(
                f"source__launch_default_step={self.launch_default_step} must be below "
                f"source__launch_steps={self.launch_steps}"
            )
        return self


class LensSection(Section):
    """Fourier lens, its alignment and stray light."""

    aberration_waves_rms: Annotated[float, Field(ge=0.0, le=1.0)]
    noll_first: Annotated[int, Field(ge=4, le=66)]
    noll_last: Annotated[int, Field(ge=4, le=66)]
    camera_shift_px: NonNegative
    """Standard deviation per axis."""
    input_shift_px: NonNegative
    """Standard deviation per axis."""
    element_width_fraction: Annotated[float, Field(ge=0.0, le=1.0)]
    element_width_spread: Spread
    camera_rotation_mrad: NonNegative
    """Standard deviation, about the optical axis."""
    magnification_error: Annotated[float, Field(ge=0.0, le=0.05)]
    """Standard deviation of the camera's magnification."""
    follows_wavelength: bool
    """Whether the spectrum's scale on the camera changes with the wavelength."""
    vignetting: Annotated[float, Field(ge=0.0, le=1.0)]
    """Power lost in the corner of the camera."""
    vignetting_spread: Spread
    stray_rate_photons_per_us: NonNegative
    stray_spread: Spread

    @model_validator(mode="after")
    def _noll_order(self) -> LensSection:
        if self.noll_first > self.noll_last:
            raise ValueError("lens__noll_first exceeds lens__noll_last")
        return self

    @model_validator(mode="after")
    def _vignetting(self) -> LensSection:
        if self.vignetting * (1.0 + LARGEST_DEVIATION * self.vignetting_spread) > 1.0:
            raise ValueError(
                f"lens__vignetting={self.vignetting} with lens__vignetting_spread="
                f"{self.vignetting_spread} could lose more than all light; lower one of them"
            )
        return self


class MiddleSection(Section):
    """The plane between the lenses of layout 4f: the second chip, and the light that reaches it."""

    shift_px: NonNegative
    """Standard deviation per axis, of the spectrum on the second chip."""
    amplitude_spread: Spread
    phase_error_rad: NonNegative


class ReferenceSection(Section):
    """Reference beam of phase-stepping detection."""

    rate_photons_per_us: NonNegative
    """At the beam's centre, with fraction 1 and nominal laser power."""
    rate_spread: Spread
    fraction: Annotated[float, Field(ge=0.0, le=1.0)]
    waist_grids: PositiveOrInf
    """1/e amplitude radius in units of the grid's side."""
    waist_spread: Spread
    centre_error_px: NonNegative
    """Standard deviation per axis."""
    step_phase_error_rad: NonNegative


class CameraSection(Section):
    """Camera after EMVA 1288."""

    qe: Annotated[float, Field(gt=0.0, le=1.0)]
    qe_spread: Spread
    prnu: Spread
    dark_e_per_s: NonNegative
    """At dark_reference_k."""
    dark_reference_k: Positive
    dark_doubling_k: Positive
    temperature_k: Positive
    dark_spread: Spread
    dsnu: Spread
    shot_noise: bool
    read_noise_e: NonNegative
    read_noise_spread: Spread
    full_well_e: PositiveOrInf
    full_well_spread: Spread
    gain_e_per_dn: Positive
    gain_spread: Spread
    black_level_dn: NonNegative
    black_level_error_dn: NonNegative


class DriftSection(Section):
    """Slow drifts, each a sum of sinusoids with amplitudes falling as 1/f."""

    reference_phase_rms_rad_per_s: NonNegative
    reference_phase_lowest_hz: Positive
    laser_power_rms_per_s: NonNegative
    laser_power_lowest_hz: Positive
    ambient_rms_k: NonNegative
    ambient_lowest_hz: Positive
    gradient_rms_k: NonNegative
    """Of the temperature across the grid, in each axis."""
    gradient_lowest_hz: Positive
    wavelength_rms_pm: NonNegative
    wavelength_lowest_hz: Positive
    highest_hz: Positive

    @model_validator(mode="after")
    def _band(self) -> DriftSection:
        for channel in ("reference_phase", "laser_power", "ambient", "gradient", "wavelength"):
            if getattr(self, f"{channel}_lowest_hz") >= self.highest_hz:
                raise ValueError(f"drift__{channel}_lowest_hz must be below drift__highest_hz")
        return self


class TimingSection(Section):
    """What a frame takes."""

    write_us: NonNegative
    settle_us: NonNegative
    exposure_us: Positive
    exposure_min_us: Positive
    exposure_max_us: Positive
    readout_us: NonNegative

    @model_validator(mode="after")
    def _exposure(self) -> TimingSection:
        if not self.exposure_min_us <= self.exposure_us <= self.exposure_max_us:
            raise ValueError(
                f"timing__exposure_us={self.exposure_us} must lie within "
                f"[{self.exposure_min_us}, {self.exposure_max_us}]"
            )
        return self


class PowerSection(Section):
    """Mean electrical power while the device works, for the energy of a plan."""

    heaters_w: NonNegative
    laser_w: NonNegative
    camera_w: NonNegative
    electronics_w: NonNegative
