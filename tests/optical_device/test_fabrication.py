from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from optical_device import fabrication as fabrication_module
from optical_device.fabrication import Fabrication, fabricate, serial_number
from optical_device.lens import axis_maps
from optical_device.profile import load_profile
from optical_device.source import launch_amplitude

N = 16


def _truths(fabrication: Fabrication) -> dict[str, np.ndarray]:
    """Everything drawn: arrays and scalars by name."""
    fields = dataclasses.fields(fabrication)
    values = {field.name: getattr(fabrication, field.name) for field in fields}
    for given in ("profile", "seed", "serial"):
        del values[given]
    return {name: np.asarray(value) for name, value in values.items()}


# Chosen, not drawn: the spectrum of the drifts is the profile's, their phases are the device's.
NOT_DRAWN = {"drift_amplitude", "drift_omega_rad_per_s"}


def _off_axis(name: str, equal: np.ndarray) -> np.ndarray:
    """`equal` without the optical axis, where shift and envelope are 1 by definition."""
    if name == "output_map":
        equal = equal.copy()
        equal[N // 2, N // 2] = False
    return equal


def test_the_same_seed_gives_the_same_device(lab: Fabrication) -> None:
    again = _truths(fabricate(lab.profile, lab.seed))
    for name, value in _truths(lab).items():
        assert np.array_equal(value, again[name]), name


def test_another_seed_differs_in_everything_drawn(lab: Fabrication) -> None:
    other = fabricate(lab.profile, lab.seed + 1)
    truths = _truths(other)
    for name, value in _truths(lab).items():
        if name in NOT_DRAWN:
            assert np.array_equal(value, truths[name]), name
        else:
            equal = (value == truths[name]) & (value != 0.0)
            assert not np.any(_off_axis(name, equal)), name
    assert other.serial != lab.serial


def test_high_seed_bits_count() -> None:
    profile = load_profile("lab", device__n=2)
    low, high = fabricate(profile, 7), fabricate(profile, 7 + 2**63)
    assert not np.any(low.p_pi_mw == high.p_pi_mw)


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(ValueError, match=r"seed=.*2\^64"):
        fabricate(load_profile("ideal", device__n=2), seed)


def _nominal(fabrication: Fabrication) -> dict[str, np.ndarray]:
    """What a data sheet would promise, for everything that has a nominal value."""
    p = fabrication.profile
    n = p.device.n
    amplitude = 10 ** (-p.modulator.insertion_loss_db / 20)
    before, after = axis_maps(n)
    diagonal = [False, False, True, True]
    links = np.where(diagonal, p.thermal.link_diagonal, p.thermal.link_nearest)
    tau = p.thermal.tau_us
    values = {
        "power_full_mw": p.modulator.power_full_mw,
        "resistance_slope_per_mw": p.modulator.resistance_slope_per_mw,
        "p_pi_mw": p.modulator.p_pi_mw,
        "links": links[None, None, :, None, None],
        "partner": p.thermal.link_partner,
        "static_phase_rad": 0.0,
        "b0": amplitude / 2,
        "b1": amplitude / 2,
        "input_map": before,
        "output_map": after,
        "reference_map": 1.0,
        "step_phase_rad": np.arange(4) * np.pi / 2,
        "launch_gain": launch_amplitude(
            np.arange(p.source.launch_steps, dtype=float), p.source.launch_step_db
        ),
        "qe_map": p.camera.qe,
        "dark_e_per_s_map": p.camera.dark_e_per_s,
        "memory": np.exp(-p.timing.settle_us / tau) if tau else 0.0,
        "ambient_rad_per_k": p.thermal.ambient_rad_per_k,
        "signal_rate_photons_per_us": p.source.signal_rate_photons_per_us,
        "reference_rate_photons_per_us": p.reference.rate_photons_per_us,
        "stray_rate_photons_per_us": p.lens.stray_rate_photons_per_us,
        "gain_e_per_dn": p.camera.gain_e_per_dn,
        "full_well_e": p.camera.full_well_e,
        "read_noise_e": p.camera.read_noise_e,
        "black_level_dn": p.camera.black_level_dn,
        "sensor_offset_k": 0.0,
        "monitor_gain": 1.0,
    }
    return {name: np.asarray(value) for name, value in values.items()}


def test_nothing_in_the_laboratory_is_nominal(lab: Fabrication) -> None:
    nominal, truths = _nominal(lab), _truths(lab)
    assert set(nominal) == set(truths) - NOT_DRAWN - {"drift_phase_rad"}
    for name, value in nominal.items():
        equal = truths[name] == value
        if name == "links":
            assert not equal.any()
            assert np.all((truths[name] > 0.0) | _outside(N)), name
        else:
            assert not np.any(_off_axis(name, equal)), name


def _outside(n: int) -> np.ndarray:
    """Where a link would leave the grid, (4, n, n)."""
    row, column = np.meshgrid(np.arange(n), np.arange(n), indexing="ij")
    last_row, last_column, first_column = row == n - 1, column == n - 1, column == 0
    return np.stack([last_column, last_row, last_row | last_column, last_row | first_column])


def test_links_out_of_the_grid_are_zero(lab: Fabrication) -> None:
    assert np.array_equal(lab.links == 0.0, np.broadcast_to(_outside(N), lab.links.shape))


def test_everything_ideal_is_exactly_nominal(ideal: Fabrication) -> None:
    truths = _truths(ideal)
    for name, value in _nominal(ideal).items():
        assert np.all(truths[name] == value), name


@pytest.mark.parametrize(
    ("name", "spread"),
    [
        ("p_pi_mw", 0.05),
        ("resistance_slope_per_mw", 0.10),
        ("partner", 0.10),
        ("qe_map", 0.01),
        ("dark_e_per_s_map", 0.10),
    ],
)
def test_spreads_are_the_profiles(
    lab: Fabrication, name: str, spread: float, sigmas: float
) -> None:
    values = getattr(lab, name)
    # The standard deviation of n draws scatters by spread / sqrt(2 n); the device's own mean is
    # drawn too, so it is what they spread about.
    tolerance = sigmas / np.sqrt(2 * values.size)
    assert np.std(values) / values.mean() == pytest.approx(spread, rel=tolerance)


@pytest.mark.parametrize(
    ("name", "nominal", "lot_spread"),
    [
        ("p_pi_mw", 0.5, 0.03),
        ("resistance_slope_per_mw", 0.0357, 0.05),
        ("partner", 0.01, 0.10),
        ("power_full_mw", 1.4, 0.02),
    ],
)
def test_a_devices_mean_is_not_the_nominal_value(
    name: str, nominal: float, lot_spread: float, sigmas: float
) -> None:
    devices = 40
    profile = load_profile("lab", device__n=11)
    means = np.array(
        [getattr(fabricate(profile, seed), name).mean() / nominal for seed in range(devices)]
    )
    # 484 draws of at most 10 % a device move its mean by 0.5 %, far less than the lots differ.
    assert means.std() == pytest.approx(lot_spread, rel=sigmas / np.sqrt(2 * devices))
    assert abs(means.mean() - 1.0) < sigmas * lot_spread / np.sqrt(devices)
    assert np.all(means != 1.0)


def test_static_phases_fill_the_circle(lab: Fabrication, sigmas: float) -> None:
    phases = lab.static_phase_rad
    assert phases.min() >= 0.0
    assert phases.max() < 2 * np.pi
    # A mean phasor of n uniform phases has parts of standard deviation sqrt(1 / (2 n)).
    assert abs(np.mean(np.exp(1j * phases))) < sigmas * np.sqrt(1 / phases.size)


def test_components_draw_from_streams_of_their_own(lab: Fabrication) -> None:
    # A longer mixture of aberrations must change the input map and nothing else.
    longer = fabricate(load_profile("lab", device__n=N, lens__noll_last=21), lab.seed)
    truths = _truths(longer)
    for name, value in _truths(lab).items():
        assert np.array_equal(value, truths[name]) == (name != "input_map"), name


def test_component_names_do_not_collide(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    original = fabrication_module._Draw._generator

    def spy(self: fabrication_module._Draw, component: str) -> np.random.Generator:
        seen.append(component)
        return original(self, component)

    monkeypatch.setattr(fabrication_module._Draw, "_generator", spy)
    fabricate(load_profile("lab", device__n=2), 1)
    assert len(seen) == len(set(seen))
    monkeypatch.undo()
    draws = {fabrication_module._Draw(1).uniform(name, ()).item() for name in seen}
    assert len(draws) == len(seen)


def test_couplers_keep_the_insertion_loss(lab: Fabrication, sigmas: float) -> None:
    transmission = (lab.b0 + lab.b1) ** 2
    # 5 % from lot to lot, 10 % within a device about its lot's mean.
    assert np.mean(transmission) == pytest.approx(10**-0.1, rel=sigmas * 0.05)
    assert np.std(transmission) / np.mean(transmission) == pytest.approx(
        0.1, rel=sigmas / np.sqrt(2 * transmission.size)
    )


def test_the_serial_number_names_the_profile_and_hides_the_seed(lab: Fabrication) -> None:
    assert lab.serial == serial_number("lab", 7)
    assert lab.serial.startswith("lab-")
    assert serial_number("lab", 7) != serial_number("lab", 8)
    assert serial_number("lab", 7)[3:] != serial_number("ideal", 7)[5:]


def test_with_arrays_converts_arrays_and_nothing_else(lab: Fabrication) -> None:
    single = lab.with_arrays(lambda a: a.astype(np.complex64 if a.dtype.kind == "c" else "f4"))
    assert single.b0.dtype == np.float32
    assert single.input_map.dtype == np.complex64
    assert single.memory == lab.memory
    assert single.profile is lab.profile
    assert lab.b0.dtype == np.float64


def _turn_per_pixel(line: np.ndarray) -> float:
    """Phase step of a linear phase along a line [rad], which must be the same everywhere."""
    steps = np.angle(line[1:] / line[:-1])
    # Differences of phases of order 1 in double precision.
    np.testing.assert_allclose(steps, steps[0], atol=1e-12)
    return float(steps[0])


@pytest.mark.parametrize(
    ("map_name", "key"),
    [("input_map", "lens__camera_shift_px"), ("output_map", "lens__input_shift_px")],
)
def test_shifts_are_linear_phases_of_the_profiles_size(map_name: str, key: str) -> None:
    centring = dict(zip(("input_map", "output_map"), axis_maps(N), strict=True))[map_name]
    shifts = []
    for seed in range(20):
        moved = fabricate(load_profile("ideal", device__n=N, **{key: 0.3}), seed)
        phase = getattr(moved, map_name) / centring
        np.testing.assert_allclose(np.abs(phase), 1.0, rtol=1e-12)
        assert phase[N // 2, N // 2] == pytest.approx(1.0, abs=1e-12)
        turns = (_turn_per_pixel(phase[:, 3]), _turn_per_pixel(phase[3, :]))
        shifts += [-turn * N / (2 * np.pi) for turn in turns]
    # 40 normals: their standard deviation scatters by 1 / sqrt(80) of itself.
    assert np.sqrt(np.mean(np.square(shifts))) == pytest.approx(0.3, rel=6.11 / np.sqrt(80))


def test_the_output_map_has_the_element_factor(lab: Fabrication) -> None:
    section = lab.profile.lens
    corner = np.abs(lab.output_map[0, 0])
    low, high = (
        np.sinc(
            0.5 * section.element_width_fraction * (1 + 5 * sign * section.element_width_spread)
        )
        ** 2
        for sign in (1, -1)
    )
    assert low < corner < high
    assert np.abs(lab.output_map).max() == pytest.approx(1.0, abs=1e-15)


def test_aberration_is_the_profiles() -> None:
    bent = fabricate(load_profile("ideal", device__n=N, lens__aberration_waves_rms=0.05), 3)
    phase = np.angle(bent.input_map / axis_maps(N)[0])
    assert np.sqrt(np.mean(phase**2)) == pytest.approx(2 * np.pi * 0.05, rel=1e-9)
