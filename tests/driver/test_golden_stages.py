"""The C kernels against the golden model stage by stage, on every set of kernels."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from agreement import TURNED
from numpy.typing import NDArray

from driver.backends.emulator import emulator_spec
from driver.library import check, ffi, lib, pointer
from optical_device import modulator, stages, thermal
from optical_device.fabrication import Fabrication, fabricate
from optical_device.noise import box_muller, philox4x32
from optical_device.profile import load_profile

UNIT = 2.0**-24
"""Unit round-off of float32: a correctly rounded operation errs by this much, relatively."""

SIZES = [
    ("lab", 11), ("lab", 20), ("lab", 26), ("lab", 32), ("lab", 64), ("lab", 128),
    ("lab4f", 11), ("lab4f", 20), ("lab4f", 32), ("mft11", 11), ("nextgen", 64),
    ("ideal", 11), ("ideal", 32),
]  # fmt: skip
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

    def __init__(self, kernels: str, profile: str, n: int, **overrides: Any) -> None:
        options = {"device__n": n, **overrides}
        self.fabrication = fabricate(load_profile(profile, **options), SEED)
        self.is_4f = self.fabrication.profile.device.layout == "4f"
        rng = np.random.default_rng(1)
        self.bits = self.fabrication.profile.device.dac_bits
        shape = (2, 2, 2, n, n)  # the frame before, and the frame
        self.codes: NDArray[Any] = (
            rng.integers(0, 2**self.bits, shape, dtype=np.uint16)
            if self.bits
            else rng.random(shape, dtype=np.float32)
        )
        self.power = np.empty((2, 2, n, n), np.float32)
        self.turns = np.empty((4 if self.is_4f else 3, n, n), np.float32)
        self.moments = np.empty((2, 3, 3))
        self.field = np.empty((n, n), np.complex64)
        self.spectrum = np.empty((n, n), np.complex64)
        self._run(kernels)
        fab: Fabrication = self.fabrication
        drive = modulator.drive_fraction(self.codes, self.bits)
        self.golden_power = stages.heater_powers(fab, drive)
        self.around = stages.surroundings(fab, START_NS)

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
        outputs.moments_mw = pointer(self.moments, np.float64, "double *")
        outputs.field = pointer(self.field, np.complex64, "float *")
        outputs.spectrum = pointer(self.spectrum, np.complex64, "float *")
        check(lib.odev_stages_run(spec, kernels.encode(), block, outputs))

    def golden_turns(self) -> NDArray[np.float64]:
        """Steady phases of the frame [turns] without the substrate's part, which C adds later."""
        fab = self.fabrication
        near = dataclasses.replace(fab, substrate_k_per_mw=np.zeros((3, 3)))
        steady = stages.steady_phases(near, self.golden_power[1]) / (2 * np.pi)
        phi = (steady[0, 1], steady[1, 1]) if self.is_4f else (steady[0, 1] + steady[1, 1],)
        return np.stack([steady[0, 0], steady[1, 0], *phi])

    def golden_field(self) -> NDArray[np.complex128]:
        """What leaves the chip, or in 4f chip a."""
        fab = self.fabrication
        steady = stages.steady_phases(fab, self.golden_power)
        psi = stages.settled_phases(fab, steady[1], steady[0])
        if not self.is_4f:
            return np.asarray(stages.chip_field(fab, psi, self.around))
        # With chip b of ones and its map the inverse transform's, the field is chip a's again.
        ones, zeros = np.ones_like(fab.b0), np.zeros_like(fab.b1)
        first = dataclasses.replace(
            fab,
            b0=np.stack([fab.b0[0], ones[1]]),
            b1=np.stack([fab.b1[0], zeros[1]]),
            middle_map=np.ones_like(fab.middle_map),
        )
        psi[1, 1] = -fab.static_phase_rad[1, 1]
        return np.fft.ifft2(stages.chip_field(first, psi, self.around), norm="ortho")

    def golden_spectrum(self) -> NDArray[np.complex128]:
        """On the camera, of C's own field in layout mft; of the golden one in 4f; unnormalised."""
        fab, n = self.fabrication, len(self.field)
        plain = dataclasses.replace(fab, output_map=np.ones_like(fab.output_map))
        if not self.is_4f:
            exact = self.field.astype(np.complex128)
            return n * np.asarray(stages.spectrum(plain, exact, self.around.wavelength_pm))
        steady = stages.steady_phases(fab, self.golden_power)
        psi = stages.settled_phases(fab, steady[1], steady[0])
        field = stages.chip_field(fab, psi, self.around)
        return n * n * np.asarray(stages.spectrum(plain, field, self.around.wavelength_pm))


def phase_error(turns: NDArray[np.float64]) -> float:
    """Largest error of a frame's phases, three or four planes added [rad].

    A phase adds up to 27 heats, whose errors are relative to themselves: that of the own power (u,
    the table, u', u'^2, seven terms of P/P0 and two products: 10 roundings that count) and 5 for
    products and sums; what neighbours add is a tenth.
    """
    return 2 * np.pi * 15 * UNIT * float(np.max(turns, axis=(1, 2)).sum())


@pytest.mark.parametrize(("profile", "n"), SIZES)
def test_stages_agree(kernels: str, profile: str, n: int) -> None:
    seen = Stages(kernels, profile, n)
    power, turns, field = seen.golden_power[1], seen.golden_turns(), seen.golden_field()

    # u, its part by the table, u', u'^2 and its product; the polynomial of 4 beta P0; fabrication
    # values are rounded too: 10 roundings, but at the lowest codes, where u' is a difference.
    np.testing.assert_allclose(seen.power, power, rtol=10 * UNIT, atol=UNIT * np.max(power))
    np.testing.assert_allclose(seen.turns, turns, rtol=0, atol=15 * UNIT * np.max(turns))

    chips = thermal.chip_powers(power, 2 if seen.is_4f else 1)
    place = np.cos(np.pi * np.arange(3)[:, None] * (np.arange(n) + 0.5) / n)
    moments = place @ chips @ place.T
    if np.any(seen.fabrication.substrate_k_per_mw):
        # Sums of N^2 powers in partial sums of N and N/16: errors of roundings in random walk.
        total = float(np.sum(chips))
        bound = 4 * UNIT * n**0.5 * total
        np.testing.assert_allclose(seen.moments[: len(chips)], moments, rtol=0, atol=bound)

    # The field turns by three phases, each with the error above, a rounding of the static phase and
    # 1.2e-7 of sine and cosine: dt/t <= 2 pi * 15 UNIT * sum of turns + small.
    worst = phase_error(turns)
    size = np.max(np.abs(field))
    assert np.max(np.abs(seen.field - field)) < worst * size
    # Roundings are independent and uniform: the RMS of 15 is sqrt(15 / 3), of a mean phase half the
    # largest, so a twelfth of the bound; the field's RMS is half its largest.
    assert np.sqrt(np.mean(np.abs(seen.field - field) ** 2)) < worst * size / 24


@pytest.mark.parametrize(
    ("profile", "n", "overrides"),
    [
        *((profile, n, {}) for profile, n in SIZES),
        *(("lab", n, TURNED) for n in (11, 20, 26, 32, 64)),
        ("lab", 32, {"lens__magnification_error": 0.01}),
        ("lab", 32, {"lens__follows_wavelength": True, "drift__wavelength_rms_pm": 2e4}),
        ("lab4f", 26, TURNED),
    ],
)
def test_spectra_agree(kernels: str, profile: str, n: int, overrides: dict[str, Any]) -> None:
    seen = Stages(kernels, profile, n, **overrides)
    exact = seen.golden_spectrum()
    rms = np.sqrt(np.mean(np.abs(exact) ** 2))
    # Every butterfly adds an independent rounding of its output: log2(N^2) of them for powers of
    # two, 2 sqrt(N) for dense transforms; 6 RMS for the largest of N^2 bins.
    dense = bool(overrides) or n & (n - 1) != 0
    roundings = 2 * np.sqrt(n) if dense else 2 * np.log2(n)
    if seen.is_4f:  # two transforms, and of the golden field: the phases' errors, RMS as above
        roundings *= 2
        roundings += phase_error(seen.golden_turns()) / UNIT / 24 * 2
    # Each term of the shear's series is a transform of its own, kappa^k / k! in weight: e^kappa.
    fab = seen.fabrication
    roundings *= np.exp(np.pi * n / 2 * abs(fab.rotation_rad))
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
