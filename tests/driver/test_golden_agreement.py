"""The C kernels against the golden model: stage by stage, and whole, on every set of kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driver import Device
from driver.backends.emulator import emulator_spec
from driver.library import check, ffi, lib, pointer
from optical_device import modulator, stages
from optical_device.fabrication import Fabrication, fabricate
from optical_device.golden import GoldenDevice, expose_frames
from optical_device.noise import box_muller, philox4x32
from optical_device.profile import load_profile

UNIT = 2.0**-24
"""Unit round-off of float32: a correctly rounded operation errs by this much, relatively."""

SIZES = [("lab", 11), ("lab", 20), ("lab", 32), ("lab", 64), ("ideal", 11), ("ideal", 32)]
SEED = 7
START_NS = 3_600_000_000_000
"""An hour into the device's life, so that the drifts are not near their start."""

ONES = 0xFFFFFFFF


# ---- random numbers ------------------------------------------------------------------------------


def random16(
    kernels: str, key: tuple[int, int], counter: tuple[int, int, int, int]
) -> tuple[NDArray[np.uint32], NDArray[np.float32]]:
    """Words and normals (4, 16) of 16 pixels."""
    words, normals = np.empty((4, 16), np.uint32), np.empty((4, 16), np.float32)
    check(
        lib.odev_stages_random(
            kernels.encode(),
            ffi.new("uint32_t[2]", key),
            ffi.new("uint32_t[4]", counter),
            pointer(words, np.uint32, "uint32_t *"),
            pointer(normals, np.float32, "float *"),
        )
    )
    return words, normals


@pytest.mark.parametrize(
    ("counter", "key", "answer"),
    [  # Random123's kat_vectors, lines "philox4x32 7"
        ((0, 0, 0, 0), (0, 0), (0x5F6FB709, 0x0D893F64, 0x4F121F81, 0x4F730A48)),
        ((ONES,) * 4, (ONES,) * 2, (0x5207DDC2, 0x45165E59, 0x4D8EE751, 0x8C52F662)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0x4DFCCABA, 0x190A87F0, 0xC47362BA, 0xB6B5242A),
        ),
    ],
)
def test_philox_gives_the_published_answers(
    kernels: str,
    counter: tuple[int, int, int, int],
    key: tuple[int, int],
    answer: tuple[int, int, int, int],
) -> None:
    words, _ = random16(kernels, key, counter)
    assert tuple(words[:, 0].tolist()) == answer


def test_words_are_golden_and_normals_are_to_rounding(kernels: str) -> None:
    counter, key = (4090, 17, 3, 1 + 256 * 2), (0xDEADBEEF, 12345)
    words, normals = random16(kernels, key, counter)
    golden = philox4x32((np.arange(16) + counter[0], *counter[1:]), key)
    assert np.array_equal(words, np.stack(golden))
    exact = np.stack([*box_muller(*golden[:2]), *box_muller(*golden[2:])])
    # |n| <= 5.77; log errs by 2e-7 of itself, so its root by 1e-7; sine and cosine by 1.2e-7; two
    # more roundings: 5.77 (1e-7 + 1.2e-7 + 2 * 6e-8) = 2e-6.
    assert np.max(np.abs(normals - exact)) < 2e-6


# ---- stages --------------------------------------------------------------------------------------


class Stages:
    """Both models' stages of one frame of random codes, an hour after opening."""

    def __init__(self, kernels: str, profile: str, n: int) -> None:
        self.fabrication = fabricate(load_profile(profile, device__n=n), SEED)
        rng = np.random.default_rng(1)
        self.bits = self.fabrication.profile.device.dac_bits
        shape = (2, 2, 2, n, n)  # the frame before, and the frame
        self.codes: NDArray[Any] = (
            rng.integers(0, 2**self.bits, shape, dtype=np.uint16)
            if self.bits
            else rng.random(shape, dtype=np.float32)
        )
        self.power = np.empty((2, 2, n, n), np.float32)
        self.turns = np.empty((3, n, n), np.float32)
        self.field = np.empty((n, n), np.complex64)
        self.spectrum = np.empty((n, n), np.complex64)
        self._run(kernels)

    def _run(self, kernels: str) -> None:
        spec, _kept = emulator_spec(self.fabrication)
        block = ffi.new("odev_block *")
        block.frames = block.exposures = 1
        block.start_ns = START_NS
        block.previous_codes = pointer(self.codes[0], self.codes.dtype, "const void *")
        block.codes = pointer(self.codes[1], self.codes.dtype, "const void *")
        outputs = ffi.new("odev_stage_outputs *")
        outputs.power_mw = pointer(self.power, np.float32, "float *")
        outputs.phase_turns = pointer(self.turns, np.float32, "float *")
        outputs.field = pointer(self.field, np.complex64, "float *")
        outputs.spectrum = pointer(self.spectrum, np.complex64, "float *")
        check(lib.odev_stages_run(spec, kernels.encode(), block, outputs))

    def golden(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Powers and steady phases of the frame, and its field."""
        fab: Fabrication = self.fabrication
        power = stages.heater_powers(fab, modulator.drive_fraction(self.codes, self.bits))
        steady = stages.steady_phases(fab, power)
        psi = stages.settled_phases(fab, steady[1], steady[0])
        around = stages.surroundings(fab, START_NS)
        return power[1], steady[1], stages.chip_field(fab, psi, around)


@pytest.mark.parametrize(("profile", "n"), SIZES)
def test_stages_agree(kernels: str, profile: str, n: int) -> None:
    seen = Stages(kernels, profile, n)
    power, steady, field = seen.golden()

    # u, u^2 and its product, 4 beta P0 + 1, the root, the sum, the quotient; the fabrication values
    # are rounded too: 10 roundings at most.
    np.testing.assert_allclose(seen.power, power, rtol=10 * UNIT, atol=0)

    # A phase adds nine heats (each 10 roundings off, 5 more for products and sums); the sum of two
    # phi doubles it. Phases reach 1.4 to 1.7 turns a heater.
    turns = np.stack([steady[0, 0], steady[1, 0], steady[0, 1] + steady[1, 1]]) / (2 * np.pi)
    np.testing.assert_allclose(seen.turns, turns, rtol=0, atol=15 * UNIT * np.max(turns))

    # The field turns by three phases, each with the error above, a rounding of the static phase and
    # 1.2e-7 of sine and cosine: dt/t <= 2 pi * 15 UNIT * sum of turns + small.
    worst = 2 * np.pi * 15 * UNIT * float(np.max(turns, axis=(1, 2)).sum())
    size = np.max(np.abs(field))
    assert np.max(np.abs(seen.field - field)) < worst * size
    # Roundings are independent and uniform: the RMS of 15 is sqrt(15 / 3), of a mean phase half the
    # largest, so a twelfth of the bound; the field's RMS is half its largest.
    assert np.sqrt(np.mean(np.abs(seen.field - field) ** 2)) < worst * size / 24


@pytest.mark.parametrize(("profile", "n"), SIZES)
def test_spectra_agree(kernels: str, profile: str, n: int) -> None:
    seen = Stages(kernels, profile, n)
    exact = np.fft.fft2(seen.field.astype(np.complex128))
    rms = np.sqrt(np.mean(np.abs(exact) ** 2))
    # Every butterfly adds an independent rounding of its output: log2(N^2) of them for powers of
    # two, 2 sqrt(N) for the dense transform; 6 RMS for the largest of N^2 bins.
    roundings = 2 * np.log2(n) if n & (n - 1) == 0 else 2 * np.sqrt(n)
    assert np.max(np.abs(seen.spectrum - exact)) < 6 * UNIT * roundings * rms


@pytest.mark.parametrize("n", [1, 2, 4, 11, 16, 20, 26, 32, 64, 128, 256])
def test_transform_agrees_with_numpy(kernels: str, n: int, rng: np.random.Generator) -> None:
    x = (rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n))).astype(np.complex64)
    seen = x.copy()
    check(lib.odev_stages_fft2(kernels.encode(), n, pointer(seen, np.complex64, "float *")))
    exact = np.fft.fft2(x.astype(np.complex128))
    roundings = 2 * np.log2(max(n, 2)) if n & (n - 1) == 0 else 2 * np.sqrt(n)
    rms = np.sqrt(np.mean(np.abs(exact) ** 2))
    assert np.max(np.abs(seen - exact)) < 6 * UNIT * roundings * rms


def test_unknown_kernels_are_refused() -> None:
    status = lib.odev_stages_fft2(b"v9", 4, ffi.new("float[32]"))
    assert status == lib.ODEV_ERR_CAPABILITY
    assert b"v9" in ffi.string(lib.odev_last_message())


# ---- counts --------------------------------------------------------------------------------------

# A count is off by one where the exact value lies within C's error of a rounding boundary: a
# fraction 2 E|error|. The error is float32's: of |S + R|^2, with S's relative error e_S (the
# field's, 5e-7 RMS), 2 e_S times the count, of which a frame has some 1000 DN on average:
# 2 * 2 * 5e-7 * 1000 = 2e-3.
MOST_OFF_BY_ONE = 2e-3


def assert_counts_agree(counts: NDArray[Any], golden: NDArray[Any]) -> None:
    assert counts.shape == golden.shape
    assert counts.dtype == golden.dtype
    off = np.abs(counts.astype(np.float64) - golden.astype(np.float64))
    if counts.dtype == np.uint16:
        assert np.max(off) <= 1
        assert np.mean(off > 0) <= MOST_OFF_BY_ONE
    else:  # 2 e_S of the brightest, with e_S the field's largest error of about 1e-5
        assert np.max(off) <= 2e-5 * np.max(golden)


@pytest.mark.parametrize(("profile", "n"), SIZES)
def test_counts_agree(
    kernels: str,
    with_kernels: Callable[..., Device],
    codes_for: Callable[..., NDArray[Any]],
    rng: np.random.Generator,
    profile: str,
    n: int,
) -> None:
    """One life of both devices: every kind of exposure, and time between."""
    golden = GoldenDevice(load_profile(profile, device__n=n), SEED)
    with with_kernels(kernels, f"emulator:{profile}", seed=SEED, device__n=n, threads=1) as device:
        steps = rng.integers(8, 24, (2, 3)).astype(np.uint8)
        settings: list[dict[str, Any]] = [
            {},
            {"reference": "off", "launch_step": 12},
            {"reference": "only"},
            {"launch_step": steps},
            {"launch_step": steps[:, 0], "exposure_us": 37.25},
            {"reference": "off", "launch_step": 0, "exposure_us": 1000.0},  # overexposed
            {"laser": "off"},
            {"exposure_us": 10000.0, "launch_step": 31},
        ]
        for salt, setting in enumerate(settings):
            codes = codes_for(device, 2, salt)
            assert_counts_agree(device.expose(codes, **setting), golden.expose(codes, **setting))
            device.idle(1234.5)
            golden.idle(1234.5)
        told = device.telemetry()
        assert told.frames == golden.frames == 2 * len(settings)
        assert round(told.device_time_s * 1e9) == golden.device_time_ns


@pytest.mark.parametrize("frames", [1, 9])
def test_a_frame_remembers_the_one_before_it(
    with_kernels: Callable[..., Device],
    codes_for: Callable[..., NDArray[Any]],
    frames: int,
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


@pytest.mark.parametrize("dac_bits", [0, 1, 8, 16])
@pytest.mark.parametrize("adc_bits", [0, 1, 8, 16])
def test_every_width_of_code_and_count_agrees(
    with_kernels: Callable[..., Device],
    codes_for: Callable[..., NDArray[Any]],
    dac_bits: int,
    adc_bits: int,
) -> None:
    bits = {"device__n": 16, "device__dac_bits": dac_bits, "device__adc_bits": adc_bits}
    golden = GoldenDevice(load_profile("lab", **bits), SEED)
    with with_kernels("base", "emulator:lab", seed=SEED, threads=1, **bits) as device:
        codes = codes_for(device, 3)
        counts = device.expose(codes, launch_step=12)
    assert counts.dtype == (np.uint16 if adc_bits else np.float32)
    assert_counts_agree(counts, golden.expose(codes, launch_step=12))


EXAGGERATED: dict[str, Any] = {
    "device__n": 16,
    "source__rin": 0.02,
    "lens__stray_rate_photons_per_us": 40.0,
    "reference__step_phase_error_rad": 0.3,
    "drift__reference_phase_rms_rad_per_s": 20.0,
    "drift__laser_power_rms_per_s": 1e-3,
    "drift__ambient_rms_k": 2.0,
    "camera__dark_e_per_s": 2e7,
    "camera__dsnu": 0.3,
    "camera__prnu": 0.2,
    "camera__full_well_e": 1e7,  # so that the converter saturates
    "modulator__resistance_slope_spread": 0.3,
    "thermal__link_nearest": 0.06,
    "thermal__heat_length_pitches": 0.9,
    "thermal__link_partner": 0.05,
}
"""Effects that `lab` has too little of for a mistake in them to show in counts."""


def test_exaggerated_effects_agree(
    kernels: str, with_kernels: Callable[..., Device], codes_for: Callable[..., NDArray[Any]]
) -> None:
    golden = GoldenDevice(load_profile("lab", **EXAGGERATED), SEED)
    with with_kernels(kernels, "emulator:lab", seed=SEED, threads=1, **EXAGGERATED) as device:
        for salt in range(3):
            codes = codes_for(device, 4, salt)
            steps = np.full((4, 3), 14, np.uint8)
            settings: dict[str, Any] = {"launch_step": steps, "exposure_us": 10.0 + 45.0 * salt}
            assert_counts_agree(device.expose(codes, **settings), golden.expose(codes, **settings))
            device.idle(50.0)
            golden.idle(50.0)


def test_light_settings_agree(
    with_kernels: Callable[..., Device], codes_for: Callable[..., NDArray[Any]]
) -> None:
    golden = GoldenDevice(load_profile("lab", device__n=16), SEED)
    with with_kernels("base", "emulator:lab", seed=SEED, device__n=16, threads=1) as device:
        codes = codes_for(device, 2)
        device.params["laser_mw"] = 4.0
        device.params["reference_fraction"] = 0.25
        dimmed = golden.expose(codes, laser_mw=4.0, reference_fraction=0.25)
        assert_counts_agree(device.expose(codes), dimmed)
        device.params["laser_enabled"] = False
        assert_counts_agree(device.expose(codes), golden.expose(codes, laser="off"))


def test_sensors_agree(kernels: str, with_kernels: Callable[..., Device]) -> None:
    golden = GoldenDevice(load_profile("lab", device__n=16), SEED)
    with with_kernels(kernels, "emulator:lab", seed=SEED, device__n=16) as device:
        for seconds in (0.0, 7.5, 3600.0):
            device.idle(seconds)
            golden.idle(seconds)
            told, (temperature_k, laser_mw) = device.telemetry(), golden.sensors()
            # Only the normals are float32: 2e-6 of a noise of some 10 mK and 0.1 %.
            assert told.temperature_k == pytest.approx(temperature_k, abs=1e-6)
            assert told.laser_mw == pytest.approx(laser_mw, rel=1e-6)
