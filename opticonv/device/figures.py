"""Figures that follow from a profile: frame times, throughput, energy, physical limits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from driver import DeviceInfo
from driver.plan import ConvolutionPlan
from optical_device import camera, thermal
from optical_device.profile import Profile
from optical_device.source import STEP_ANGLES_RAD

__all__ = [
    "CONVOLUTIONS",
    "ConvolutionCost",
    "Figure",
    "FrameCost",
    "convolution_costs",
    "frame_costs",
    "limits",
]

EXPOSURES = (1, 2, 4)

CONVOLUTIONS = (
    ("4 → 16, 3×3, 64×64", (1, 4, 64, 64), (16, 4, 3, 3)),
    ("16 → 16, 3×3, 256×256", (1, 16, 256, 256), (16, 16, 3, 3)),
    ("64 → 64, 3×3, 56×56", (1, 64, 56, 56), (64, 64, 3, 3)),
    ("3 → 64, 7×7, 224×224", (1, 3, 224, 224), (64, 3, 7, 7)),
)
"""Name (channels, kernel, picture), input and weight shape: as in this project's network, and as in
ResNet-34 with stride 1."""


@dataclass(frozen=True)
class FrameCost:
    """What one frame of several exposures takes."""

    exposures: int
    steps: int
    """Camera read-outs of each exposure."""
    time_ms: float
    light_share: float
    """Share of the time during which the camera collects light."""
    energy_mj: float


@dataclass(frozen=True)
class ConvolutionCost:
    """What one convolution takes, data and pilot frames."""

    name: str
    precision: str
    frames: int
    time_s: float
    energy_j: float
    gemm_macs: int
    electronic_macs: int


@dataclass(frozen=True)
class Figure:
    """One derived figure: its name, value in words, and how it follows."""

    name: str
    value: str
    how: str


def frame_costs(info: DeviceInfo) -> list[FrameCost]:
    """Of frames with one, two and four exposures."""
    steps = len(STEP_ANGLES_RAD[info.detection])
    costs = []
    for exposures in EXPOSURES:
        time_us = info.timing.frame_us(exposures, steps)
        light_us = exposures * steps * info.timing.exposure_us
        costs.append(
            FrameCost(
                exposures=exposures,
                steps=steps,
                time_ms=1e-3 * time_us,
                light_share=light_us / time_us,
                energy_mj=1e-3 * time_us * info.power_w,
            )
        )
    return costs


def convolution_costs(
    info: DeviceInfo, precisions: Sequence[str] = ("fast", "balanced", "best")
) -> list[ConvolutionCost]:
    """Of typical layers at several precisions; none for a device that detects no phase."""
    if info.detection == "intensity":
        return []
    costs = []
    for name, shape, weight in CONVOLUTIONS:
        for precision in precisions:
            plan = ConvolutionPlan.for_shapes(
                shape,
                weight,
                grid=info.grid[0],
                padding=weight[-1] // 2,
                precision=precision,
                reference_steps=info.reference_steps,
                layout=info.layout,
            )
            costs.append(
                ConvolutionCost(
                    name=name,
                    precision=precision,
                    frames=plan.frames + plan.pilots,
                    time_s=plan.device_time_s(info.timing),
                    energy_j=plan.energy_j(info.timing, info.power_w),
                    gemm_macs=plan.macs.gemm,
                    electronic_macs=plan.macs.electronic,
                )
            )
    return costs


def limits(profile: Profile) -> list[Figure]:
    """What the physics allows, from nominal values."""
    mod, heat, cam, lens = profile.modulator, profile.thermal, profile.camera, profile.lens
    time_us, bits, n = profile.timing.exposure_us, profile.device.adc_bits, profile.device.n
    full_mw = 2.0 * mod.power_full_mw
    full_mw /= 1.0 + math.sqrt(1.0 + 4.0 * mod.resistance_slope_per_mw * mod.power_full_mw)
    memory = thermal.memory(profile.timing.settle_us, heat.tau_us)
    dark = camera.dark_rate(
        cam.dark_e_per_s, cam.temperature_k, cam.dark_reference_k, cam.dark_doubling_k
    )
    dark_e = 1e-6 * time_us * dark
    diagonal = thermal.diagonal_link(heat.link_nearest, heat.heat_length_pitches)
    ring = thermal.ring_kernel(heat.link_nearest, heat.heat_length_pitches)
    neighbours = 4 * (heat.link_nearest + diagonal) + heat.link_partner
    neighbours += 4 * ring[0] + 8 * ring[1] + 4 * ring[2]
    strehl = math.exp(-((2.0 * math.pi * lens.aberration_waves_rms) ** 2))
    range_e = min(cam.full_well_e, (2**bits - 1 - cam.black_level_dn) * cam.gain_e_per_dn)
    range_e = range_e if bits else cam.full_well_e
    noise_e = math.sqrt(cam.read_noise_e**2 + (dark_e if cam.shot_noise else 0.0))
    found = [
        Figure("largest phase of a heater", f"{full_mw / mod.p_pi_mw:.2f} π", "P(u = 1) / P_π"),
        Figure(
            "heaters of a stage, all at full code", f"{2e-3 * n * n * full_mw:.1f} W",
            "2 N² P(u = 1)",
        ),
        Figure(
            "phase by neighbours, all at equal power", f"{100 * neighbours:.1f} % of its own",
            "8 near heaters + 16 in the second ring + partner",
        ),
        Figure("memory of the last frame", f"{memory:.1e}", "e^(−settle/τ)"),
        Figure(
            "darkest pixel of a stage", _db(-mod.extinction_min_db),
            "least extinction; two stages in series reach twice as many dB",
        ),
        Figure(
            "Strehl ratio", f"{strehl:.3f}", "exp(−(2πσ)²), Maréchal: diffraction limited above 0.8"
        ),
        Figure(
            "transmission of the chip", _db(-2.0 * mod.insertion_loss_db), "both stages, fully open"
        ),
        Figure("dark signal of an exposure", f"{dark_e:.3g} e⁻", "t D(T)"),
        Figure("noise in the dark", f"{noise_e:.3g} e⁻", "√(read noise² + dark signal)"),
    ]  # fmt: skip
    found[4:4] = _warmth(profile)
    found += _small_changes(profile, full_mw)
    if math.isfinite(range_e):
        snr = math.sqrt(range_e) if cam.shot_noise else math.inf
        found += [
            Figure(
                "largest signal of a pixel", f"{range_e:,.0f} e⁻", "full well or end of the ADC"
            ),
            Figure(
                "largest signal-to-noise ratio",
                f"{snr:.0f} = {math.log2(snr):.1f} bits" if math.isfinite(snr) else "not limited",
                "√ of that: shot noise",
            ),
        ]
        if noise_e > 0.0:
            ratio = range_e / noise_e
            found.append(
                Figure(
                    "dynamic range",
                    f"{20 * math.log10(ratio):.1f} dB",
                    "largest signal / noise in the dark",
                )
            )
    if bits:
        step_e = cam.gain_e_per_dn / math.sqrt(12.0)
        found.append(Figure("rounding noise of the ADC", f"{step_e:.3g} e⁻", "gain / √12"))
    return found


def _warmth(profile: Profile) -> list[Figure]:
    """The chip's own temperature, if it rises by its heaters at all."""
    heat, chips = profile.thermal, 2 if profile.device.layout == "4f" else 1
    if profile.substrate_k_per_w == 0.0:
        return []
    rise_k = profile.substrate_k_per_w * profile.power.heaters_w / chips
    found = [
        Figure(
            "rise of a chip's temperature, mean power",
            f"{rise_k:.2g} K = {heat.ambient_rad_per_k * rise_k:.2g} rad of θ",
            "R P over its carrier; a photograph changes it by little",
        )
    ]
    if math.isfinite(heat.interlock_k):
        trips_w = (heat.interlock_k - heat.ambient_k) / profile.substrate_k_per_w
        found.append(
            Figure(
                "interlock trips at a chip's power of", f"{trips_w:.3g} W", "(limit − carrier) / R"
            )
        )
    return found


def _small_changes(profile: Profile, full_mw: float) -> list[Figure]:
    """Phases of one converter step and of the drifts of wavelength and temperature."""
    found, drift = [], profile.drift
    if profile.device.dac_bits:
        slope = 2.0 * math.pi * full_mw / profile.modulator.p_pi_mw
        step_mrad = 1e3 * slope / (2**profile.device.dac_bits - 1)
        found.append(
            Figure(
                "phase of a converter step, largest", f"{step_mrad:.2g} mrad", "2π P/P_π / codes"
            )
        )
    kelvin, pm = profile.thermal.ambient_rad_per_k, profile.source.wavelength_rad_per_pm
    for name, mrad, how in (
        ("phase of θ by ambient drift", 1e3 * kelvin * drift.ambient_rms_k, "RMS"),
        ("phase of θ by the gradient", 1e3 * kelvin * drift.gradient_rms_k / 2, "RMS, at the edge"),
        (
            "phase of θ by the wavelength",
            1e3 * pm * drift.wavelength_rms_pm,
            "RMS, 2π n_g ΔL δλ/λ²",
        ),
    ):
        if mrad > 0.0:
            found.append(Figure(name, f"{mrad:.2g} mrad", how))
    return found


def _db(value: float) -> str:
    return f"{value:.1f} dB" if math.isfinite(value) else "no light at all"
