from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from optical_device.golden import GoldenDevice, OverTemperature, expose_frames
from optical_device.noise import camera_normals
from optical_device.profile import load_profile

Codes = NDArray[Any]


def _device(name: str = "lab", seed: int = 7, **overrides: Any) -> GoldenDevice:
    return GoldenDevice(load_profile(name, **{"device__n": 16, **overrides}), seed)


def test_types_and_shapes_at_the_boundary(lab_codes: Codes) -> None:
    device = _device()
    assert device.expose(lab_codes).shape == (5, 4, 16, 16)
    assert device.expose(lab_codes).dtype == np.uint16
    assert device.expose(lab_codes, "off").shape == (5, 1, 16, 16)
    assert device.expose(lab_codes, "only").shape == (5, 1, 16, 16)
    two = np.tile(np.array([4, 20], dtype=np.uint8), (5, 1))
    assert device.expose(lab_codes, launch_step=two).shape == (5, 2, 4, 16, 16)
    assert device.expose(lab_codes, launch_step=two[:, 0]).shape == (5, 4, 16, 16)
    assert device.expose(lab_codes[:0]).shape == (0, 4, 16, 16)
    ideal = _device("ideal")
    floats = np.zeros((1, 2, 2, 16, 16), np.float32)
    assert ideal.expose(floats).dtype == np.float32


def test_any_split_of_a_batch_gives_the_same_counts(lab_codes: Codes) -> None:
    whole, split = _device(), _device()
    steps = np.arange(10, 15)
    expected = whole.expose(lab_codes, launch_step=steps)
    parts = [
        split.expose(lab_codes[a:b], launch_step=steps[a:b]) for a, b in [(0, 1), (1, 4), (4, 5)]
    ]
    assert np.array_equal(np.concatenate(parts), expected)
    assert (split.frames, split.device_time_ns) == (whole.frames, whole.device_time_ns)


def test_a_frame_remembers_the_one_before(lab_codes: Codes) -> None:
    f = _device(timing__settle_us=400.0, **_quiet()).fabrication
    last = lab_codes[4:]
    alone = expose_frames(f, last, launch_step=8)
    after = expose_frames(f, last, launch_step=8, previous_codes=lab_codes[3])
    same = expose_frames(f, last, launch_step=8, previous_codes=lab_codes[4])
    # e^-4 of a phase difference near pi is 60 mrad: far above a rounding to 1/100 of full scale.
    assert np.count_nonzero(alone != same) > 100
    assert np.count_nonzero(after != same) > 100
    prompt = dataclasses.replace(f, memory=0.0)
    assert np.array_equal(
        expose_frames(prompt, last, launch_step=8),
        expose_frames(prompt, last, launch_step=8, previous_codes=lab_codes[3]),
    )


def _quiet() -> dict[str, Any]:
    return {
        "camera__shot_noise": False,
        "camera__read_noise_e": 0.0,
        "source__rin": 0.0,
    }


def test_the_same_seed_repeats_and_another_does_not(lab_codes: Codes) -> None:
    counts = _device(seed=7).expose(lab_codes)
    assert np.array_equal(counts, _device(seed=7).expose(lab_codes))
    assert np.mean(counts != _device(seed=8).expose(lab_codes)) > 0.9


def test_every_frame_and_exposure_has_noise_of_its_own(lab_codes: Codes) -> None:
    same = np.repeat(lab_codes[:1], 3, axis=0)
    counts = _device().expose(same, launch_step=np.full((3, 2), 16)).astype(float)
    sets = counts.reshape(6, -1)
    for i in range(6):
        for j in range(i):
            # Noise of about 5 DN, independent: most pixels differ.
            assert np.mean(sets[i] != sets[j]) > 0.7


def test_time_and_frames_are_counted(lab_codes: Codes) -> None:
    device = _device()
    device.expose(lab_codes, exposure_us=250.0)
    expected = 5 * (20 + 800 + 4 * (250 + 650)) * 1000
    assert (device.frames, device.device_time_ns) == (5, expected)
    device.idle(1.5)
    expected += 1_500_000_000
    assert (device.frames, device.device_time_ns) == (5, expected)
    device.expose(lab_codes[:2], "off", launch_step=np.full((2, 3), 16))
    expected += 2 * (20 + 800 + 3 * (100 + 650)) * 1000
    assert (device.frames, device.device_time_ns) == (7, expected)
    device.expose(lab_codes[:0])
    assert (device.frames, device.device_time_ns) == (7, expected)
    with pytest.raises(ValueError, match="seconds"):
        device.idle(-1.0)


def test_idle_time_lets_the_reference_drift(lab_codes: Codes) -> None:
    patient, prompt = _device(**_quiet()), _device(**_quiet())
    patient.expose(lab_codes[:1])
    prompt.expose(lab_codes[:1])
    patient.idle(600.0)
    later, now = patient.expose(lab_codes[1:2]), prompt.expose(lab_codes[1:2])
    assert np.mean(later != now) > 0.5


def test_without_laser_there_is_dark_and_noise_only(lab_codes: Codes, sigmas: float) -> None:
    device = _device()
    counts = device.expose(lab_codes, laser="off").astype(float)
    f = device.fabrication
    dark = 100.0 * 1e-6 * f.dark_e_per_s_map
    expected = dark / f.gain_e_per_dn + f.black_level_dn
    # Per pixel 20 draws of shot and read noise and of rounding (1/12 DN^2).
    sigma = np.sqrt((dark + f.read_noise_e**2) / f.gain_e_per_dn**2 + 1 / 12)
    bound = sigmas * sigma / np.sqrt(counts.shape[0] * counts.shape[1])
    assert np.all(np.abs(counts.mean(axis=(0, 1)) - expected) < bound)
    assert counts.std() > 1.0


def test_blocked_signal_shows_the_reference_only(lab_codes: Codes) -> None:
    f = _device(**_quiet()).fabrication
    zero = np.zeros_like(lab_codes)
    assert np.array_equal(
        expose_frames(f, lab_codes, reference="only"), expose_frames(f, zero, reference="only")
    )
    dim = expose_frames(f, lab_codes, reference="only", reference_fraction=0.0)
    dark = expose_frames(f, lab_codes, reference="only")
    assert dim.mean() < dark.mean() / 2
    off = expose_frames(f, lab_codes, reference="off")
    same = expose_frames(f, lab_codes, reference="off", reference_fraction=0.1)
    assert np.array_equal(off, same)


def test_four_steps_recover_the_complex_spectrum(rng: np.random.Generator) -> None:
    device = _device("ideal")
    f, p = device.fabrication, device.profile
    u = rng.random((1, 2, 2, 16, 16), dtype=np.float32)
    i0, i1, i2, i3 = device.expose(u, launch_step=8)[0].astype(float)
    y = ((i0 - i2) + 1j * (i1 - i3)) / 4
    psi = np.pi * p.modulator.power_full_mw / p.modulator.p_pi_mw * u[0].astype(float) ** 2
    t = 0.5 * (1 + np.exp(1j * psi[:, 0])) * np.exp(1j * psi[:, 1])
    centred = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(t[0] * t[1]), norm="ortho"))
    rates = p.source.signal_rate_photons_per_us * p.reference.rate_photons_per_us
    scale = np.sqrt(rates) * 10 ** (-1.5 * 8 / 20) * 100.0 * p.camera.qe / p.camera.gain_e_per_dn
    # float32 counts: 4 roundings of 2^-24 of the largest count.
    bound = 4 * 2.0**-24 * max(i0.max(), i2.max())
    assert np.abs(y - scale * centred).max() < bound
    assert f.memory == 0.0


def test_refused_before_anything_is_exposed(lab_codes: Codes) -> None:
    device = _device()
    wrong: list[tuple[type[Exception], str, dict[str, Any]]] = [
        (TypeError, "uint16", {"codes": lab_codes.astype(np.float32)}),
        (TypeError, "uint16", {"codes": lab_codes.tolist()}),
        (ValueError, "shape", {"codes": lab_codes[0]}),
        (ValueError, "shape", {"codes": lab_codes[..., :8]}),
        (ValueError, "16383", {"codes": lab_codes + np.uint16(16384)}),
        (ValueError, "reference", {"reference": "on"}),
        (ValueError, "laser", {"laser": "dim"}),
        (ValueError, "exposure_us", {"exposure_us": 0.5}),
        (ValueError, "exposure_us", {"exposure_us": float("nan")}),
        (TypeError, "launch_step", {"launch_step": 1.5}),
        (ValueError, "launch_step", {"launch_step": 32}),
        (ValueError, "launch_step", {"launch_step": np.zeros(4, int)}),
        (ValueError, "launch_step", {"launch_step": np.zeros((5, 0), int)}),
    ]
    for error, words, changed in wrong:
        with pytest.raises(error, match=words):
            device.expose(**{"codes": lab_codes, **changed})
    assert (device.frames, device.device_time_ns) == (0, 0)
    floats = np.full((1, 2, 2, 16, 16), np.nan, np.float32)
    with pytest.raises(ValueError, match="within"):
        _device("ideal").expose(floats)
    with pytest.raises(ValueError, match="intensity"):
        _device(device__detection="intensity").expose(lab_codes)


def test_intensity_detection_sees_the_signal_alone(lab_codes: Codes) -> None:
    plain = _device().expose(lab_codes, "off")
    assert np.array_equal(_device(device__detection="intensity").expose(lab_codes, "off"), plain)


def test_the_codes_are_the_callers_to_change(lab_codes: Codes) -> None:
    kept, changed = _device(), _device()
    mine = lab_codes[:1].copy()
    kept.expose(lab_codes[:1])
    changed.expose(mine)
    mine[:] = 0
    assert np.array_equal(kept.expose(lab_codes[1:2]), changed.expose(lab_codes[1:2]))


def test_sensors_have_offset_and_noise_of_their_own(lab_codes: Codes, sigmas: float) -> None:
    device = _device(
        drift__ambient_rms_k=0.0,
        drift__laser_power_rms_per_s=0.0,
        thermal__substrate_k_px_per_w=0.0,
    )
    readings = []
    for _ in range(30):
        readings.append(device.sensors())
        device.expose(lab_codes[:1], "off")
    assert device.sensors() != device.sensors()  # each reading has noise of its own
    temperature, laser = np.array(readings).T
    p, f = device.profile, device.fabrication
    scatter = sigmas / np.sqrt(len(readings))
    assert temperature.mean() == pytest.approx(
        p.thermal.ambient_k + f.sensor_offset_k, abs=scatter * p.thermal.sensor_noise_k
    )
    assert laser.mean() == pytest.approx(
        p.source.laser_mw * f.monitor_gain, rel=scatter * p.source.monitor_noise
    )
    assert temperature.std() > 0.0
    assert laser.std() > 0.0


def test_noise_is_what_the_stream_says(lab_codes: Codes) -> None:
    f = _device().fabrication
    noisy = expose_frames(f, lab_codes, launch_step=31, first_frame=40)
    quiet = dataclasses.replace(f, profile=load_profile("lab", device__n=16, **_quiet()))
    quiet = dataclasses.replace(quiet, read_noise_e=0.0)
    calm = expose_frames(quiet, lab_codes, launch_step=31, first_frame=40)
    for i in range(5):
        difference = noisy[i].astype(float) - calm[i]
        normals = camera_normals(f.seed, 40 + i, 16, 1, 4)[0]
        electrons = (calm[i].astype(float) - f.black_level_dn) * f.gain_e_per_dn
        sigma = np.sqrt(electrons + f.read_noise_e**2) / f.gain_e_per_dn
        # Two roundings of 1/2 DN, RIN of 1e-4 (5 sigmas of at most 1000 DN), sigma from a rounded
        # mean (under 1 % of 5.8 sigmas of at most 8 DN).
        assert np.all(np.abs(difference - sigma * normals) < 1.0 + 0.5 + 0.5)


def test_three_steps_recover_the_complex_spectrum(rng: np.random.Generator) -> None:
    three = _device("ideal", device__detection="three_step")
    four = _device("ideal")
    u = rng.random((1, 2, 2, 16, 16), dtype=np.float32)
    counts = three.expose(u, launch_step=8)[0].astype(float)
    assert counts.shape == (3, 16, 16)
    alone = four.expose(u, "only")[0, 0].astype(float)
    # I_k = |S|^2 + R^2 + 2 Re(S conj(r_k)): the blocked step gives |S|^2, the reference R^2.
    i0, i1, i2 = counts - np.stack([0 * alone, alone, alone])
    y = ((i1 - i0) + 1j * (i2 - i0)) / 2
    j0, j1, j2, j3 = four.expose(u, launch_step=8)[0].astype(float)
    # float32 counts: 6 roundings of 2^-24 of the largest count.
    bound = 6 * 2.0**-24 * max(j0.max(), j2.max())
    assert np.abs(y - ((j0 - j2) + 1j * (j1 - j3)) / 4).max() < bound
    assert np.array_equal(three.expose(u, "only"), four.expose(u, "only"))
    assert np.array_equal(three.expose(u, "off"), four.expose(u, "off"))


def test_an_ideal_4f_device_convolves(rng: np.random.Generator) -> None:
    n = 16
    device = _device("ideal", device__layout="4f")
    u = rng.random((1, 2, 2, n, n), dtype=np.float32)
    i0, i1, i2, i3 = device.expose(u, launch_step=8)[0].astype(float)
    p = device.profile
    psi = np.pi * p.modulator.power_full_mw / p.modulator.p_pi_mw * u[0].astype(float) ** 2
    a, b = 0.5 * (1 + np.exp(1j * psi[:, 0])) * np.exp(1j * psi[:, 1])
    # About the axis, the kernel is the transform of chip b; two forward transforms turn the
    # picture over: y(u) = (1/n) sum_v a(-v) k(u - v), all indices modulo n.
    a, b = np.fft.ifftshift(a), np.fft.ifftshift(b)
    kernel = np.fft.fft2(b, norm="ortho")
    seen = np.zeros((n, n), complex)
    for r in range(n):
        for q in range(n):
            seen += a[-r % n, -q % n] * np.roll(kernel, (r, q), axis=(0, 1)) / n
    rates = p.source.signal_rate_photons_per_us * p.reference.rate_photons_per_us
    scale = np.sqrt(rates) * 10 ** (-1.5 * 8 / 20) * 100.0 * p.camera.qe / p.camera.gain_e_per_dn
    y = np.fft.ifftshift((i0 - i2) + 1j * (i1 - i3)) / 4 / scale
    # float32 counts: 4 roundings of 2^-24 of the largest count.
    assert np.abs(y - seen).max() < 4 * 2.0**-24 * max(i0.max(), i2.max()) / scale
    assert np.abs(seen).max() > 0.1


def _hot(layout: str = "mft", **overrides: Any) -> GoldenDevice:
    hot = {"thermal__substrate_k_px_per_w": 2560.0, "thermal__interlock_k": 304.0, **overrides}
    still = {"thermal__substrate_spread": 0.0, "drift__ambient_rms_k": 0.0}
    return _device(device__layout=layout, **still, **hot)


@pytest.mark.parametrize("layout", ["mft", "4f"])
def test_the_interlock_voids_a_job_and_switches_the_heaters_off(layout: str) -> None:
    device, cool = _hot(layout), _hot(layout, thermal__interlock_k=np.inf)
    full = np.zeros((6, 2, 2, 16, 16), np.uint16)
    full[4] = 2**14 - 1
    # 1024 heaters of about 1.37 mW on one chip (half of them on each of two) at 10 K/W: 14 or 7 K.
    with pytest.raises(OverTemperature, match=r"frame 4 .* to 3(12|05)\.\d+ K.*304 K"):
        device.expose(full)
    assert (device.frames, device.device_time_ns) == (6, 6 * (820 + 4 * 750) * 1000)
    warm = np.full((1, 2, 2, 16, 16), 5000, np.uint16)
    cool.expose(np.zeros_like(full))  # a job of the same length that leaves the heaters off
    assert np.array_equal(device.expose(warm), cool.expose(warm))


def test_the_interlock_goes_by_the_hotter_chip() -> None:
    one, two = _hot("mft"), _hot("4f")
    codes = np.zeros((1, 2, 2, 16, 16), np.uint16)
    codes[:, 1] = 10_500  # 0.44 of full power in one stage: 3 K; in both 6 K
    one.expose(codes)
    two.expose(codes)
    codes[:, 0] = 10_500
    two.expose(codes)
    codes[:, 0] = 12_000
    with pytest.raises(OverTemperature):
        one.expose(codes)


def test_a_device_without_interlock_never_trips() -> None:
    device = _hot(thermal__interlock_k=np.inf, thermal__substrate_k_px_per_w=2.56e7)
    assert device.expose(np.full((1, 2, 2, 16, 16), 2**14 - 1, np.uint16)).shape == (1, 4, 16, 16)


def test_the_sensor_sees_the_chip_of_the_last_frame() -> None:
    device = _hot(thermal__sensor_noise_k=0.0)
    f = device.fabrication
    cold_k, _ = device.sensors()
    assert cold_k == pytest.approx(298.0 + f.sensor_offset_k, rel=1e-14)
    codes = np.zeros((2, 2, 2, 16, 16), np.uint16)
    codes[1] = 8000
    device.expose(codes)
    warm_k, _ = device.sensors()
    u = 8000 / (2**14 - 1)
    # 1024 heaters of 1.4 mW times u^2, less 2 % for R(T), within the spreads of resistances.
    assert warm_k - cold_k == pytest.approx(1024 * 1.4e-3 * 10.0 * u**2 * 0.985, rel=0.1)
    device.expose(codes[:1])
    assert device.sensors()[0] == cold_k
