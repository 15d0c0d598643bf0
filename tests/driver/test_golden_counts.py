"""The C kernels against the golden model whole: counts of every profile, layout and effect."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from agreement import TURNED, assert_counts_agree
from numpy.typing import NDArray

from driver import Device
from optical_device.golden import GoldenDevice, expose_frames
from optical_device.profile import load_profile

SEED = 7

WithKernels = Callable[..., Device]
CodesFor = Callable[..., NDArray[Any]]

SIZES = [
    ("lab", 11), ("lab", 20), ("lab", 26), ("lab", 32), ("lab", 64), ("lab", 128),
    ("lab4f", 11), ("lab4f", 26), ("lab4f", 32), ("lab4f", 64), ("mft11", 11), ("nextgen", 64),
    ("ideal", 11), ("ideal", 32),
]  # fmt: skip


@pytest.mark.parametrize(("profile", "n"), SIZES)
def test_counts_agree(
    kernels: str,
    with_kernels: WithKernels,
    codes_for: CodesFor,
    rng: np.random.Generator,
    profile: str,
    n: int,
) -> None:
    """One life of both devices: every kind of exposure, and time between."""
    options = {"device__n": n}
    golden = GoldenDevice(load_profile(profile, **options), SEED)
    timing = golden.profile.timing
    with with_kernels(kernels, f"emulator:{profile}", seed=SEED, threads=1, **options) as device:
        steps = rng.integers(8, 24, (1, 3)).astype(np.uint8)
        settings: list[dict[str, Any]] = [
            {},
            {"reference": "off", "launch_step": 12},
            {"reference": "only"},
            {"launch_step": steps},
            {"launch_step": 18, "exposure_us": 0.37 * timing.exposure_us},
            {"reference": "off", "launch_step": 0, "exposure_us": 10 * timing.exposure_us},  # clips
            {"laser": "off"},
            {"exposure_us": timing.exposure_max_us, "launch_step": 31},
        ]
        for salt, setting in enumerate(settings):
            codes = codes_for(device, 1, salt)
            assert_counts_agree(device.expose(codes, **setting), golden.expose(codes, **setting))
            device.idle(1234.5)
            golden.idle(1234.5)
        told = device.telemetry()
        assert told.frames == golden.frames == len(settings)
        assert round(told.device_time_s * 1e9) == golden.device_time_ns


@pytest.mark.parametrize("profile", ["lab", "lab4f"])
def test_the_largest_grid_agrees(
    with_kernels: WithKernels, codes_for: CodesFor, profile: str
) -> None:
    options = {"device__n": 512}
    golden = GoldenDevice(load_profile(profile, **options), SEED)
    with with_kernels("v3", f"emulator:{profile}", seed=SEED, threads=1, **options) as device:
        codes = codes_for(device, 1)
        assert_counts_agree(device.expose(codes, "off"), golden.expose(codes, "off"))


EXAGGERATED: dict[str, Any] = {
    "source__rin": 0.02,
    "lens__stray_rate_photons_per_us": 40.0,
    "reference__step_phase_error_rad": 0.3,
    "drift__reference_phase_rms_rad_per_s": 20.0,
    "drift__laser_power_rms_per_s": 1e-3,
    "drift__ambient_rms_k": 2.0,
    "drift__gradient_rms_k": 3.0,
    "drift__wavelength_rms_pm": 500.0,
    "camera__dark_e_per_s": 2e7,
    "camera__dsnu": 0.3,
    "camera__prnu": 0.2,
    "camera__full_well_e": 1e7,  # so that the converter saturates
    "modulator__resistance_slope_spread": 0.3,
    "modulator__coupler_common_spread": 0.05,
    "modulator__dac_bow_lsb": 16.0,
    "modulator__dac_bit_weight_lsb": 16.0,
    "thermal__link_nearest": 0.06,
    "thermal__heat_length_pitches": 0.9,
    "thermal__link_partner": 0.05,
    "thermal__substrate_k_px_per_w": 15360.0,
    "thermal__interlock_k": 1000.0,
    "lens__vignetting": 0.5,
    "timing__settle_us": 450.0,  # a memory of 1.1 %
}
"""Effects that `lab` has too little of for a mistake in them to show in counts."""

MANY: dict[str, Any] = {"camera__gain_e_per_dn": 7.0, "camera__full_well_e": 28000.0}
FEW: dict[str, Any] = {
    "camera__gain_e_per_dn": 1.5, "camera__full_well_e": 5800.0, "camera__read_noise_e": 2.0,
    "camera__dark_e_per_s": 1e5, "reference__rate_photons_per_us": 3.0,
    "source__signal_rate_photons_per_us": 300.0,
}  # fmt: skip
"""Photons that can be counted, on either side of the 64 e- where the exact sum ends."""

EFFECTS: dict[str, dict[str, Any]] = {
    "all of them": {},
    "as the laboratory's": dict.fromkeys(EXAGGERATED),
    "three steps": {"device__detection": "three_step"},
    "rotation and magnification": TURNED,
    "magnification": {"lens__magnification_error": 0.01},
    "wavelength in the lens": {
        "lens__follows_wavelength": True, "drift__wavelength_rms_pm": 5000.0
    },
    "hot heaters": {"modulator__resistance_slope_per_mw": 0.5},  # the power's series doesn't serve
    "few photons": FEW,
    "few photons, three steps": {**FEW, "device__detection": "three_step"},
    "the Gaussian's last": MANY,
    "no converters": {
        "device__dac_bits": 0, "modulator__dac_bow_lsb": 0.0, "modulator__dac_bit_weight_lsb": 0.0
    },
}  # fmt: skip


@pytest.mark.parametrize("effect", EFFECTS)
@pytest.mark.parametrize("profile", ["lab", "lab4f"])
def test_exaggerated_effects_agree(
    kernels: str, with_kernels: WithKernels, codes_for: CodesFor, profile: str, effect: str
) -> None:
    """All at once, and in each mode that the kernels have code of its own for."""
    chosen = {"device__n": 16, **EXAGGERATED, **EFFECTS[effect]}
    options = {name: value for name, value in chosen.items() if value is not None}
    golden = GoldenDevice(load_profile(profile, **options), SEED)
    with with_kernels(kernels, f"emulator:{profile}", seed=SEED, threads=1, **options) as device:
        for salt in range(3):
            codes = codes_for(device, 3, salt)
            steps = np.full((3, 2), 14, np.uint8)
            settings: dict[str, Any] = {"launch_step": steps, "exposure_us": 10.0 + 45.0 * salt}
            assert_counts_agree(device.expose(codes, **settings), golden.expose(codes, **settings))
            for reference in ("off", "only"):
                assert_counts_agree(
                    device.expose(codes, reference), golden.expose(codes, reference)
                )
            device.idle(50.0)
            golden.idle(50.0)


ALONE: dict[str, dict[str, Any]] = {
    "bow": {"modulator__dac_bow_lsb": 16.0},
    "bit weights": {"modulator__dac_bit_weight_lsb": 16.0},
    "couplers": {"modulator__coupler_common_spread": 0.05},
    "near heat": {
        "thermal__link_nearest": 0.06, "thermal__heat_length_pitches": 0.9,
        "thermal__link_scatter": 0.3,
    },
    "partners": {"thermal__link_partner": 0.05},
    "substrate": {"thermal__substrate_k_px_per_w": 15360.0, "thermal__ambient_rad_per_k": 0.075},
    "gradient": {"drift__gradient_rms_k": 3.0, "thermal__ambient_rad_per_k": 0.075},
    "wavelength": {"drift__wavelength_rms_pm": 500.0, "source__wavelength_rad_per_pm": 1.1e-3},
    "ambient": {"drift__ambient_rms_k": 2.0, "thermal__ambient_rad_per_k": 0.075},
    "resistance": {"modulator__resistance_slope_per_mw": 0.05},
    "vignetting": {"lens__vignetting": 0.5},
    "rotation": {"lens__camera_rotation_mrad": 1.9},
    "intensity noise": {"source__rin": 0.02},
    "three steps": {"device__detection": "three_step"},
    "memory": {"thermal__tau_us": 100.0, "timing__settle_us": 400.0},
    "middle": {
        "device__layout": "4f", "middle__shift_px": 0.3, "middle__amplitude_spread": 0.05,
        "middle__phase_error_rad": 0.5,
    },
}  # fmt: skip


@pytest.mark.parametrize("effect", ALONE)
def test_each_effect_alone_agrees_and_shows(
    with_kernels: WithKernels, codes_for: CodesFor, effect: str
) -> None:
    """On the device without any other; and the device without it is another one."""
    plain = {"device__n": 16, "device__adc_bits": 12, "device__dac_bits": 14}
    options = {**plain, **ALONE[effect]}
    golden = GoldenDevice(load_profile("ideal", **options), SEED)
    without = GoldenDevice(load_profile("ideal", **plain), SEED)
    with with_kernels("v3", "emulator:ideal", seed=SEED, threads=1, **options) as device:
        codes = codes_for(device, 2)
        device.idle(3600.0)
        for each in (golden, without):
            each.idle(3600.0)
        counts = golden.expose(codes)
        assert_counts_agree(device.expose(codes), counts)
    other = without.expose(codes)
    assert other.shape != counts.shape or np.mean(other != counts) > 0.02


@pytest.mark.parametrize("frames", [1, 9])
def test_a_frame_remembers_the_one_before_it(
    with_kernels: WithKernels, codes_for: CodesFor, frames: int
) -> None:
    """With settling cut to the 4 tau allowed, 1.8 % of the old phases last: 0.1 rad."""
    slow = {"device__n": 16, "timing__settle_us": 400.0}
    golden = GoldenDevice(load_profile("lab", **slow), SEED)
    with with_kernels("base", "emulator:lab", seed=SEED, threads=2, **slow) as device:
        first, codes = codes_for(device, 1, 1), codes_for(device, frames)
        for batch in (first, codes, codes):
            assert_counts_agree(device.expose(batch), golden.expose(batch))
    remembering = expose_frames(golden.fabrication, codes, previous_codes=first[0])
    forgetting = expose_frames(golden.fabrication, codes, previous_codes=codes[0])
    assert np.mean(remembering[0] != forgetting[0]) > 0.1, "too short a memory for a test"


@pytest.mark.parametrize("dac_bits", [0, 4, 8, 16])
@pytest.mark.parametrize("adc_bits", [0, 1, 8, 16])
def test_every_width_of_code_and_count_agrees(
    with_kernels: WithKernels, codes_for: CodesFor, dac_bits: int, adc_bits: int
) -> None:
    bits = {"device__n": 16, "device__dac_bits": dac_bits, "device__adc_bits": adc_bits}
    if not dac_bits:
        bits |= {"modulator__dac_bow_lsb": 0.0, "modulator__dac_bit_weight_lsb": 0.0}
    golden = GoldenDevice(load_profile("lab", **bits), SEED)
    with with_kernels("base", "emulator:lab", seed=SEED, threads=1, **bits) as device:
        codes = codes_for(device, 3)
        counts = device.expose(codes, launch_step=12)
    assert counts.dtype == (np.uint16 if adc_bits else np.float32)
    gain = golden.fabrication.gain_e_per_dn
    assert_counts_agree(counts, golden.expose(codes, launch_step=12), gain)


def test_both_fma_kernels_count_alike_to_the_bit(
    with_kernels: WithKernels, codes_for: CodesFor
) -> None:
    for profile, n, effect in [
        ("lab", 26, "all of them"), ("lab4f", 32, "all of them"), ("lab", 20, "few photons"),
        ("lab", 26, "rotation and magnification"), ("lab", 16, "three steps"),
    ]:  # fmt: skip
        options = {"device__n": n, **EXAGGERATED, **EFFECTS[effect]}
        seen = []
        for kernels, threads, split in [("v3", 1, 5), ("v4", 1, 5), ("v4", 2, 5), ("v3", 2, 2)]:
            uri = f"emulator:{profile}"
            with with_kernels(kernels, uri, seed=SEED, threads=threads, **options) as device:
                codes = codes_for(device, 5)
                parts = [device.expose(part) for part in (codes[:split], codes[split:])]
                seen.append(np.concatenate(parts))
        assert all(np.array_equal(counts, seen[0]) for counts in seen[1:])


def test_light_settings_agree(with_kernels: WithKernels, codes_for: CodesFor) -> None:
    golden = GoldenDevice(load_profile("lab", device__n=16), SEED)
    with with_kernels("base", "emulator:lab", seed=SEED, device__n=16, threads=1) as device:
        codes = codes_for(device, 2)
        device.params["laser_mw"] = 4.0
        device.params["reference_fraction"] = 0.25
        dimmed = golden.expose(codes, laser_mw=4.0, reference_fraction=0.25)
        assert_counts_agree(device.expose(codes), dimmed)
        device.params["laser_enabled"] = False
        assert_counts_agree(device.expose(codes), golden.expose(codes, laser="off"))


@pytest.mark.parametrize("profile", ["lab", "lab4f"])
def test_sensors_agree(
    kernels: str, with_kernels: WithKernels, codes_for: CodesFor, profile: str
) -> None:
    """Also on the heat of the chip itself, 0.15 K here, of the hotter one where there are two."""
    options = {"device__n": 16, "thermal__substrate_k_px_per_w": 0.3 * 16**2}
    golden = GoldenDevice(load_profile(profile, **options), SEED)
    with with_kernels(kernels, f"emulator:{profile}", seed=SEED, **options) as device:
        for salt, seconds in enumerate((0.0, 7.5, 3600.0)):
            device.idle(seconds)
            golden.idle(seconds)
            told, (temperature_k, laser_mw) = device.telemetry(), golden.sensors()
            # Only normals and powers are float32: 2e-6 of a noise of some 10 mK, 1e-6 of 0.3 K.
            assert told.temperature_k == pytest.approx(temperature_k, abs=1e-6)
            assert told.laser_mw == pytest.approx(laser_mw, rel=1e-6)
            codes = codes_for(device, 1, salt)
            codes[0, 1] //= 2
            device.expose(codes)
            golden.expose(codes)
