"""A lot of laboratory devices: every fabricated value is distributed as the profile says.

Kolmogorov-Smirnov with bounds that hold at 1e-9 for any number of draws; independence by
correlation.  One device's spreads, the lots' means and nominal values are in
`tests/optical_device/test_fabrication.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from scipy.special import k0

from optical_device.fabrication import Fabrication, fabricate
from optical_device.lens import axis_maps
from optical_device.profile import Profile, load_profile
from optical_device.source import launch_amplitude

Floats = NDArray[np.float64]

DEVICES, N = 250, 4
LSBS = 2**14 - 1
"""Steps of the laboratory's converters in full scale."""

STILL = {
    "lens__aberration_waves_rms": 0.0,
    "lens__camera_shift_px": 0.0,
    "lens__input_shift_px": 0.0,
}
"""A lens without phases, so that those of the splitting tree show."""


@cache
def lot(**overrides: Any) -> tuple[Fabrication, ...]:
    profile = load_profile("lab", device__n=N, **overrides)
    return tuple(fabricate(profile, seed) for seed in range(DEVICES))


LAB = load_profile("lab", device__n=N)

LOTS = {
    "modulator__p_pi_lot_spread": 0.0,
    "modulator__resistance_lot_spread": 0.0,
    "modulator__resistance_slope_lot_spread": 0.0,
    "modulator__insertion_lot_spread": 0.0,
    "thermal__link_lot_spread": 0.0,
}
"""Without lots."""
LOCAL = {
    "modulator__p_pi_spread": 0.0,
    "modulator__resistance_spread": 0.0,
    "modulator__resistance_slope_spread": 0.0,
    "modulator__insertion_scatter": 0.0,
    "thermal__link_scatter": 0.0,
}
"""Without scatter within a device."""

EQUAL_COUPLERS = {"modulator__coupler_common_spread": 0.0}
"""Then a stage's largest transmission is its insertion loss, whatever the extinction."""

Read = Callable[[Fabrication, Profile], Any]


def inner_links(f: Fabrication) -> Floats:
    """Links that lie within the grid, over their nominal values."""
    t = f.profile.thermal
    kernel = k0(np.array([1.0, np.sqrt(2.0)]) / t.heat_length_pitches)
    nominal = t.link_nearest * np.repeat(kernel / kernel[0], 2)[:, None, None]
    relative = f.links / nominal
    return np.asarray(relative[relative > 0.0])


def ring_over_kernel(f: Fabrication) -> Floats:
    """Second ring over its nominal values, by distance."""
    t = f.profile.thermal
    kernel = k0(np.sqrt([4.0, 5.0, 8.0]) / t.heat_length_pitches) / k0(1 / t.heat_length_pitches)
    return np.asarray(f.ring / (t.link_nearest * kernel))


def corner_loss(f: Fabrication) -> float:
    """Power lost in the corner, with emitters so small that their envelope is flat."""
    return 1.0 - float(np.abs(f.output_map[0, 0])) ** 2


TURNED = {
    "lens__camera_rotation_mrad": 5.0,
    "lens__magnification_error": 0.002,
    "lens__element_width_fraction": 0.0,
}
"""A camera that the laboratory has not aligned, and a flat envelope, so that vignetting shows."""


def tree(f: Fabrication) -> NDArray[np.complex128]:
    """Complex gain of each emitter in a lens without errors."""
    return np.asarray(f.input_map / axis_maps(N)[0])


def step_errors(f: Fabrication) -> Floats:
    return np.asarray(f.step_phase_rad - np.arange(4) * np.pi / 2)


def launch(f: Fabrication) -> NDArray[np.complex128]:
    steps = np.arange(f.profile.source.launch_steps, dtype=float)
    return np.asarray(f.launch_gain / launch_amplitude(steps, f.profile.source.launch_step_db))


#: Per heater or pixel, without the lots' share: relative deviation from nominal and its sigma.
SPREAD: dict[str, tuple[Read, float]] = {
    "p_pi": (lambda f, p: f.p_pi_mw / p.modulator.p_pi_mw - 1, LAB.modulator.p_pi_spread),
    "resistance": (
        lambda f, p: p.modulator.power_full_mw / f.power_full_mw - 1,
        LAB.modulator.resistance_spread,
    ),
    "resistance slope": (
        lambda f, p: f.resistance_slope_per_mw / p.modulator.resistance_slope_per_mw - 1,
        LAB.modulator.resistance_slope_spread,
    ),
    "insertion": (
        lambda f, p: (f.b0 + f.b1) ** 2 * 10 ** (p.modulator.insertion_loss_db / 10) - 1,
        LAB.modulator.insertion_scatter,
    ),
    "links": (lambda f, p: inner_links(f) - 1, LAB.thermal.link_scatter),
    "partner": (lambda f, p: f.partner / p.thermal.link_partner - 1, LAB.thermal.link_scatter),
    "tree amplitude": (lambda f, p: np.abs(tree(f)) - 1, LAB.source.tree_amplitude_spread),
    "launch amplitude": (lambda f, p: np.abs(launch(f)) - 1, LAB.source.launch_amplitude_spread),
    "launch phase": (lambda f, p: np.angle(launch(f)), LAB.source.launch_phase_error_rad),
    "step phases": (lambda f, p: step_errors(f), LAB.reference.step_phase_error_rad),
    "bow of converters": (lambda f, p: f.dac_bow * LSBS, LAB.modulator.dac_bow_lsb),
    "bits of converters": (lambda f, p: f.dac_bit_error * LSBS, LAB.modulator.dac_bit_weight_lsb),
}


@pytest.mark.parametrize("name", SPREAD)
def test_values_within_devices(name: str, kolmogorov: float, sigmas: float) -> None:
    read, spread = SPREAD[name]
    devices = lot(**LOTS, **STILL, **EQUAL_COUPLERS)
    sample = np.concatenate([np.ravel(read(f, f.profile)) for f in devices])
    # Kept within 5 sigmas: 6e-7 of the draws, nothing of the distance.
    seen = stats.kstest(sample / spread, stats.norm.cdf).statistic * np.sqrt(sample.size)
    assert seen < kolmogorov
    # Sharper on mean and width: 1 / sqrt(n) and 1 / sqrt(2 n) of the spread.
    assert abs(sample.mean()) < sigmas * spread / np.sqrt(sample.size)
    width = np.sqrt(np.mean(sample**2)) / spread
    assert width == pytest.approx(1.0, abs=sigmas / np.sqrt(2 * sample.size))
    assert np.unique(sample).size == sample.size
    assert not np.any(sample == 0.0)


def test_phases_of_the_tree(kolmogorov: float) -> None:
    devices = lot(**LOTS, **STILL, **EQUAL_COUPLERS)
    phase = np.concatenate([np.angle(tree(f)).ravel() for f in devices])
    # Wrapped at pi, which is 6.3 sigmas: never.
    sample = phase / LAB.source.tree_phase_error_rad
    assert stats.kstest(sample, stats.norm.cdf).statistic * np.sqrt(sample.size) < kolmogorov


#: Of a whole device: normal deviates, from what it should be and the profile's spread.
OF_DEVICES: dict[str, Read] = {
    "qe": lambda f, p: (f.qe_map / p.camera.qe - 1).mean() / p.camera.qe_spread,
    "dark": lambda f, p: (
        (f.dark_e_per_s_map / p.camera.dark_e_per_s - 1).mean() / p.camera.dark_spread
    ),
    "tau": lambda f, p: (
        (-p.timing.settle_us / np.log(f.memory) / p.thermal.tau_us - 1) / p.thermal.tau_spread
    ),
    "ambient": lambda f, p: (
        (f.ambient_rad_per_k / p.thermal.ambient_rad_per_k - 1) / p.thermal.ambient_rad_per_k_spread
    ),
    "signal rate": lambda f, p: (
        (f.signal_rate_photons_per_us / p.source.signal_rate_photons_per_us - 1)
        / p.source.signal_rate_spread
    ),
    "reference rate": lambda f, p: (
        (f.reference_rate_photons_per_us / p.reference.rate_photons_per_us - 1)
        / p.reference.rate_spread
    ),
    "stray": lambda f, p: (
        (f.stray_rate_photons_per_us / p.lens.stray_rate_photons_per_us - 1) / p.lens.stray_spread
    ),
    "gain": lambda f, p: (f.gain_e_per_dn / p.camera.gain_e_per_dn - 1) / p.camera.gain_spread,
    "full well": lambda f, p: (
        (f.full_well_e / p.camera.full_well_e - 1) / p.camera.full_well_spread
    ),
    "read noise": lambda f, p: (
        (f.read_noise_e / p.camera.read_noise_e - 1) / p.camera.read_noise_spread
    ),
    "black level": lambda f, p: (
        (f.black_level_dn - p.camera.black_level_dn) / p.camera.black_level_error_dn
    ),
    "substrate": lambda f, p: (
        (1e3 * f.substrate_k_per_mw[0, 0] / p.substrate_k_per_w - 1) / p.thermal.substrate_spread
    ),
    "wavelength": lambda f, p: (
        (f.wavelength_rad_per_pm / p.source.wavelength_rad_per_pm - 1)
        / p.source.wavelength_rad_per_pm_spread
    ),
    "vignetting": lambda f, p: (corner_loss(f) / p.lens.vignetting - 1) / p.lens.vignetting_spread,
    "rotation": lambda f, p: 1e3 * f.rotation_rad / p.lens.camera_rotation_mrad,
    "magnification": lambda f, p: (f.magnification - 1) / p.lens.magnification_error,
    "sensor": lambda f, p: f.sensor_offset_k / p.thermal.sensor_offset_k,
    "monitor": lambda f, p: (f.monitor_gain - 1) / p.source.monitor_gain_spread,
}

#: The same for the lots' means, with no scatter within a device.
OF_LOTS: dict[str, Read] = {
    "p_pi lot": lambda f, p: (
        (f.p_pi_mw / p.modulator.p_pi_mw - 1).flat[0] / p.modulator.p_pi_lot_spread
    ),
    "resistance lot": lambda f, p: (
        (p.modulator.power_full_mw / f.power_full_mw - 1).flat[0]
        / p.modulator.resistance_lot_spread
    ),
    "slope lot": lambda f, p: (
        (f.resistance_slope_per_mw / p.modulator.resistance_slope_per_mw - 1).flat[0]
        / p.modulator.resistance_slope_lot_spread
    ),
    "insertion lot": lambda f, p: (
        ((f.b0 + f.b1) ** 2 * 10 ** (p.modulator.insertion_loss_db / 10) - 1).flat[0]
        / p.modulator.insertion_lot_spread
    ),
    "links lot": lambda f, p: (inner_links(f)[0] - 1) / p.thermal.link_lot_spread,
    "partner lot": lambda f, p: (
        (f.partner / p.thermal.link_partner - 1).flat[0] / p.thermal.link_lot_spread
    ),
}


def of_devices() -> dict[str, Floats]:
    """All of the above, by name, one normal deviate a device."""
    flat = lot(camera__prnu=0.0, camera__dsnu=0.0, **TURNED)
    samples = {k: np.array([read(f, f.profile) for f in flat]) for k, read in OF_DEVICES.items()}
    even = lot(**LOCAL, **EQUAL_COUPLERS)
    samples |= {k: np.array([read(f, f.profile) for f in even]) for k, read in OF_LOTS.items()}
    return samples


def test_values_of_devices(kolmogorov: float) -> None:
    for name, sample in of_devices().items():
        seen = stats.kstest(sample, stats.norm.cdf).statistic * np.sqrt(DEVICES)
        assert seen < kolmogorov, name
        # None is nominal, no two devices are alike.
        assert np.all(sample != 0.0), name
        assert np.unique(sample).size == DEVICES, name


def test_values_of_devices_have_the_profiles_spread(sigmas: float) -> None:
    # Sharper than the distribution: mean within 1 / sqrt(n), deviation within 1 / sqrt(2 n).
    for name, sample in of_devices().items():
        assert abs(sample.mean()) < sigmas / np.sqrt(DEVICES), name
        assert abs(np.sqrt(np.mean(sample**2)) - 1) < sigmas / np.sqrt(2 * DEVICES), name


def test_values_of_devices_are_independent(sigmas_of_many: float) -> None:
    # Of each other, and from one seed to the next: products of two independent normals.
    z = np.stack(list(of_devices().values()))
    between = z @ z.T / DEVICES
    off = between[~np.eye(len(z), dtype=bool)]
    # 250 products: an excess kurtosis of 0.024 widens the tail at 7.7 sigmas by a fifth.
    bound = 1.2 * sigmas_of_many / np.sqrt(DEVICES)
    assert np.abs(off).max() < bound
    following = z[:, 1:] @ z[:, :-1].T / (DEVICES - 1)
    assert np.abs(following).max() < bound


def test_extinctions_are_uniform_in_decibels(kolmogorov: float) -> None:
    parts = [(f.b0, f.b1) for f in lot()]
    b0, b1 = (np.concatenate([p[i].ravel() for p in parts]) for i in range(2))
    extinction_db = 20 * np.log10((b0 + b1) / np.abs(b0 - b1))
    low, high = LAB.modulator.extinction_min_db, LAB.modulator.extinction_max_db
    share = (extinction_db - low) / (high - low)
    assert stats.kstest(share, stats.uniform.cdf).statistic * np.sqrt(share.size) < kolmogorov
    # Over- and undercoupled alike: a fair coin.
    assert abs(np.mean(b0 > b1) - 0.5) < 6.11 * 0.5 / np.sqrt(b0.size)


def test_couplers_differ_beyond_what_their_extinction_says(
    kolmogorov: float, sigmas: float
) -> None:
    """What both couplers of a stage have in common, |m|, from the amplitudes of the arms.

    b0^2 - b1^2 = eta (d2 - d1) = 2 eta d and b0^2 + b1^2 = eta (1/2 - 2 d1 d2), d1 d2 = m^2 - d^2.
    """
    even = lot(modulator__insertion_scatter=0.0, modulator__insertion_lot_spread=0.0)
    eta = 10 ** (-LAB.modulator.insertion_loss_db / 10)
    b0, b1 = (np.stack([getattr(f, name) for f in even]).ravel() for name in ("b0", "b1"))
    d = (b0**2 - b1**2) / (2 * eta)
    square = 0.25 - (b0**2 + b1**2) / (2 * eta) + d**2
    # Rounding of 0.25 leaves 1e-16, of an m of 1e-8: no more than that is negative.
    assert square.min() > -1e-15
    common = np.sqrt(np.abs(square)) / LAB.modulator.coupler_common_spread
    seen = stats.kstest(common, stats.halfnorm.cdf).statistic * np.sqrt(common.size)
    assert seen < kolmogorov
    # Independent of the extinction: products of normal scores.
    first, second = (
        stats.norm.ppf((stats.rankdata(x) - 0.5) / x.size) for x in (common, np.abs(d))
    )
    product = float(np.mean(first * second))
    assert abs(product) < sigmas / np.sqrt(common.size)


def test_the_second_ring_belongs_to_the_lot_of_the_first() -> None:
    # One film: three scalars of the kernel, all with the factor of the lot's nearest links.
    for f in lot(**LOCAL)[:40]:
        np.testing.assert_allclose(ring_over_kernel(f), inner_links(f)[0], rtol=1e-12)
    assert inner_links(lot(**LOCAL)[0])[0] != 1.0


@pytest.mark.parametrize("name", ["static_phase_rad", "drift_phase_rad"])
def test_phases_are_uniform_on_the_circle(name: str, kolmogorov: float) -> None:
    turns = np.concatenate([getattr(f, name).ravel() for f in lot()]) / (2 * np.pi)
    assert stats.kstest(turns, stats.uniform.cdf).statistic * np.sqrt(turns.size) < kolmogorov


def test_pixels_of_the_camera(kolmogorov: float) -> None:
    # About their device's own mean, of 16 pixels: that takes 1 / 16 of the variance away.
    for name, spread in (
        ("qe_map", LAB.camera.prnu),
        ("dark_e_per_s_map", LAB.camera.dsnu),
    ):
        even = lot(camera__qe_spread=0.0, camera__dark_spread=0.0)
        nominal = LAB.camera.qe if name == "qe_map" else LAB.camera.dark_e_per_s
        z = np.concatenate([(getattr(f, name) / nominal - 1).ravel() for f in even]) / spread
        assert stats.kstest(z, stats.norm.cdf).statistic * np.sqrt(z.size) < kolmogorov, name


def test_the_reference_beam(kolmogorov: float) -> None:
    """Waist and centre, from the second differences and slopes of the Gaussian's logarithm."""
    centres, waists = [], []
    for f in lot():
        log = np.log(f.reference_map)
        curvature = np.diff(log[:, 1], 2)[0]
        waist = np.sqrt(-2.0 / curvature)
        waists.append(waist / (LAB.reference.waist_grids * N) - 1)
        # log M = -((x - c)^2 + ...) / w^2 at x = -2..1: the central slope at 0 is 2 c / w^2.
        for line in (log[:, 2], log[2, :]):
            centres.append((line[3] - line[1]) / 2 * waist**2 / 2)
    # Rounding of logarithms near 1, over curvatures of 0.06: 1e-13.
    z = np.array(waists) / LAB.reference.waist_spread
    assert stats.kstest(z, stats.norm.cdf).statistic * np.sqrt(z.size) < kolmogorov
    z = np.array(centres) / LAB.reference.centre_error_px
    assert stats.kstest(z, stats.norm.cdf).statistic * np.sqrt(z.size) < kolmogorov


def test_shifts_and_emitters(kolmogorov: float) -> None:
    """Sub-pixel shifts of both planes and the width of emitters, read off the maps' phases."""
    # Without a camera shift of its own, for the envelope follows it.
    clear = {"lens__aberration_waves_rms": 0.0, "source__tree_phase_error_rad": 0.0}
    still = lot(**clear, lens__vignetting=0.0)
    straight = lot(**clear, lens__vignetting=0.0, lens__camera_shift_px=0.0)
    centring = axis_maps(N)
    shifts: dict[str, list[float]] = {"input_map": [], "output_map": []}
    widths = []
    for f, same in zip(still, straight, strict=True):
        for plane, name in enumerate(shifts):
            phase = getattr(f, name) / centring[plane]
            for step in (phase[3, 2] / phase[2, 2], phase[2, 3] / phase[2, 2]):
                shifts[name].append(-float(np.angle(step)) * N / (2 * np.pi))
        # sinc(w / N) one pixel off the axis, inverted by interpolation on a fine table.
        table = np.linspace(0.3, 0.7, 40_001)
        side = np.abs(same.output_map[2, 3])
        widths.append(float(np.interp(-side, -np.sinc(table / N), table)))
    for name, sigma in (
        ("input_map", LAB.lens.camera_shift_px),
        ("output_map", LAB.lens.input_shift_px),
    ):
        z = np.array(shifts[name]) / sigma
        assert stats.kstest(z, stats.norm.cdf).statistic * np.sqrt(z.size) < kolmogorov, name
    z = (np.array(widths) / LAB.lens.element_width_fraction - 1) / LAB.lens.element_width_spread
    assert stats.kstest(z, stats.norm.cdf).statistic * np.sqrt(z.size) < kolmogorov
