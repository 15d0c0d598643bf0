"""The same functions in torch: equal to NumPy's, and differentiable in everything."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from optical_device import camera, modulator, stages
from optical_device.fabrication import Fabrication, fabricate
from optical_device.illumination import Illumination, illumination, step_count
from optical_device.profile import load_profile

torch = pytest.importorskip("torch")

N = 3  # the smallest grid with a second ring of heaters
START_NS = 10**12
EXPOSURE_US = 100.0
LAUNCH_STEPS = np.array([4, 20])
DETECTIONS = ("four_step", "three_step", "intensity")
LAYOUTS = ("mft", "4f")

EXAGGERATED: dict[str, Any] = {
    "lens__camera_rotation_mrad": 20.0,
    "lens__magnification_error": 0.02,
    "lens__follows_wavelength": True,
    "lens__vignetting": 0.2,
    "drift__ambient_rms_k": 1.0,
    "drift__gradient_rms_k": 1.0,
    "drift__wavelength_rms_pm": 100.0,
    "thermal__substrate_k_px_per_w": 300.0 * N**2,
    "thermal__heat_length_pitches": 0.9,
    "modulator__dac_bow_lsb": 16.0,
    "modulator__dac_bit_weight_lsb": 16.0,
    "timing__settle_us": 400.0,
    "camera__full_well_e": 3e4,  # a part of the pixels saturates
}
"""Effects that `lab` has too little of for a missing gradient to show."""


def _twin(fabrication: Fabrication) -> Fabrication:
    return fabrication.with_arrays(torch.from_numpy)


def _fabricated(layout: str = "mft", detection: str = "four_step", **more: Any) -> Fabrication:
    overrides = {"device__layout": layout, "device__detection": detection, **EXAGGERATED, **more}
    return fabricate(load_profile("lab", device__n=N, **overrides), 7)


def _light(fabrication: Fabrication) -> Illumination:
    return illumination(
        fabrication,
        frame=3,
        start_ns=START_NS,
        launch_steps=LAUNCH_STEPS,
        reference=_reference(fabrication),
        exposure_us=EXPOSURE_US,
    )


def _reference(fabrication: Fabrication) -> Any:
    return "off" if fabrication.profile.device.detection == "intensity" else "steps"


def _mean(fabrication: Fabrication, u: Any) -> Any:
    """Mean electrons of voltages, (..., E, steps, N, N); the frame before had half the phases."""
    around = stages.surroundings(fabrication, START_NS)
    steady = stages.steady_phases(fabrication, stages.heater_powers(fabrication, u))
    psi = stages.settled_phases(fabrication, steady, 0.5 * steady)
    field = stages.chip_field(fabrication, psi, around)
    spectra = stages.spectrum(fabrication, field, around.wavelength_pm)
    return stages.mean_electrons(fabrication, spectra, _light(fabrication), EXPOSURE_US)


def _noise(fabrication: Fabrication) -> stages.CameraNoise:
    steps = step_count(fabrication.profile, _reference(fabrication))
    noise = stages.camera_noise(fabrication, 3, len(LAUNCH_STEPS), steps)
    assert noise is not None
    return noise


def _drive(*shape: int) -> Any:
    codes = np.random.default_rng(1).integers(1000, 2**14, (*shape, 2, 2, N, N))
    return codes / (2**14 - 1)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("detection", DETECTIONS)
@pytest.mark.parametrize("gain", [1.0, 25.0])
def test_torch_equals_numpy(layout: str, detection: str, gain: float) -> None:
    fabrication = _fabricated(layout, detection, camera__gain_e_per_dn=gain)
    u, noise = _drive(), _noise(fabrication)
    assert (noise.uniforms is not None) == (gain == 1.0)
    mean, twin = _mean(fabrication, u), _mean(_twin(fabrication), torch.from_numpy(u))
    assert twin.dtype == torch.float64
    # Sums and functions of order-1 numbers in double precision: some hundred roundings.
    np.testing.assert_allclose(twin.numpy(), mean, rtol=1e-12, atol=1e-12 * mean.max())
    counts = stages.detect(fabrication, mean, noise)
    twin_counts = stages.detect(_twin(fabrication), twin, noise.with_arrays(torch.from_numpy))
    assert np.array_equal(twin_counts.numpy(), counts)
    assert np.ptp(counts) > 100.0


@pytest.mark.parametrize("layout", LAYOUTS)
def test_single_precision_stays_single(layout: str) -> None:
    double = _fabricated(layout)
    single = double.with_arrays(
        lambda a: torch.from_numpy(a.astype(np.complex64 if a.dtype.kind == "c" else np.float32))
    )
    mean = _mean(single, torch.from_numpy(_drive()).float())
    assert mean.dtype == torch.float32
    exact = _mean(double, _drive())
    # Phases up to 20 rad in float32 (2e-6 rad), fields summed over 9 pixels, drift phases of
    # 6 rad/s times 1000 s (4e-4 rad of 1e-3 relative amplitudes at the fastest tones): 1e-4.
    assert float(np.abs(mean.numpy() - exact).max() / exact.max()) < 1e-4


@pytest.mark.parametrize("layout", LAYOUTS)
def test_several_frames_at_once(layout: str) -> None:
    twin, u = _twin(_fabricated(layout)), torch.from_numpy(_drive(3))
    together = _mean(twin, u)
    assert together.shape == (3, 2, 4, N, N)
    for frame in range(3):
        torch.testing.assert_close(together[frame], _mean(twin, u[frame]), rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("gain", [1.0, 25.0])
def test_everything_stays_where_the_fabrication_is(layout: str, gain: float) -> None:
    # A tensor made without saying where would be on the default device, and mix with no other.
    fabrication = _fabricated(layout, camera__gain_e_per_dn=gain)
    twin, u = _twin(fabrication), torch.from_numpy(_drive())
    noise = _noise(fabrication).with_arrays(torch.from_numpy)
    normals = torch.zeros(2, dtype=torch.float64)
    with torch.device("meta"):
        assert torch.zeros(1).device.type == "meta"
        counts = stages.detect(twin, _mean(twin, u), noise)
        chip_k, _ = stages.sensor_readings(twin, stages.heater_powers(twin, u), START_NS, normals)
    assert counts.device.type == chip_k.device.type == "cpu"


# ---- gradients -----------------------------------------------------------------------------------


def _continuous(fabrication: Fabrication) -> list[str]:
    """Every field of a fabrication that is a number or an array of numbers."""
    values = {f.name: getattr(fabrication, f.name) for f in dataclasses.fields(fabrication)}
    return [
        name
        for name, value in values.items()
        if isinstance(value, float) or (isinstance(value, np.ndarray) and value.dtype.kind in "fc")
    ]


NAMES = _continuous(_fabricated())

UNSEEN = {"intensity": {"step_phase_rad", "reference_map", "reference_rate_photons_per_us"}}
"""What a detection has no use for."""


def test_the_gradient_checks_leave_nothing_out() -> None:
    given = {"profile", "seed", "serial"}
    assert set(NAMES) == {f.name for f in dataclasses.fields(Fabrication)} - given
    assert len(NAMES) > 35


@pytest.fixture
def identity_quantisers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quantisers as the identity: what their gradients stand for, so that differences can tell."""

    def smooth(mean_e: Any, uniforms: Any) -> Any:
        return mean_e + torch.sqrt(mean_e) * torch.special.ndtri(uniforms)

    monkeypatch.setattr(camera, "round_straight_through", lambda x: x)
    monkeypatch.setattr(camera, "poisson_quantile", smooth)


def _readings(fabrication: Fabrication, u: Any, noise: stages.CameraNoise) -> Any:
    """All that leaves the device: counts and sensors, of order 1."""
    counts = stages.detect(fabrication, _mean(fabrication, u), noise) / 1e3
    power = stages.heater_powers(fabrication, u)
    normals = torch.tensor([0.3, -0.7], dtype=torch.float64)
    chip_k, laser_mw = stages.sensor_readings(fabrication, power, START_NS, normals)
    return torch.cat([counts.reshape(-1), torch.stack([chip_k - 300.0, laser_mw])])


def _check(layout: str, detection: str, name: str, **more: Any) -> None:
    fabrication = _fabricated(layout, detection, **more)
    twin, u = _twin(fabrication), torch.from_numpy(_drive())
    noise = _noise(fabrication).with_arrays(torch.from_numpy)
    # Each of its values is scaled to order 1, so that one step of differences suits all.
    exact = torch.as_tensor(np.asarray(getattr(fabrication, name)))
    scale = float(exact.abs().max()) or 1.0

    def readings(value: Any) -> Any:
        return _readings(dataclasses.replace(twin, **{name: scale * value}), u, noise)

    value = (exact / scale).clone().requires_grad_()
    # Central differences: h^2 x''' / 6 of functions that turn by up to 20 rad, (20 h)^2 = 4e-10,
    # and rounding of 1e-15 * 100 / h.
    assert torch.autograd.gradcheck(readings, (value,), eps=1e-6, atol=1e-5, fast_mode=True)
    total = readings(value).sum()
    if (layout, name) == ("mft", "middle_map"):  # there is no such plane
        assert not total.requires_grad
        return
    (gradient,) = torch.autograd.grad(total, value, materialize_grads=True)
    assert bool(gradient.abs().max() > 0.0) == (name not in UNSEEN.get(detection, set()))


@pytest.mark.usefixtures("identity_quantisers")
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("detection", DETECTIONS)
@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_every_fabricated_value(name: str, detection: str, layout: str) -> None:
    _check(layout, detection, name)


@pytest.mark.usefixtures("identity_quantisers")
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["read_noise_e", "gain_e_per_dn", "qe_map", "dark_e_per_s_map"])
def test_gradients_through_poissons_noise(name: str, layout: str) -> None:
    _check(layout, "four_step", name, camera__gain_e_per_dn=8.0)


@pytest.mark.usefixtures("identity_quantisers")
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("detection", DETECTIONS)
def test_gradients_of_the_drive(layout: str, detection: str) -> None:
    fabrication = _fabricated(layout, detection)
    # Codes of whole numbers: a difference of 1e-6 changes no bit of the converter.
    u = torch.from_numpy(_drive()).requires_grad_()
    noise = _noise(fabrication).with_arrays(torch.from_numpy)
    twin = _twin(fabrication)
    assert torch.autograd.gradcheck(
        lambda u: _readings(twin, u, noise), (u,), eps=1e-7, atol=1e-5, fast_mode=True
    )


def test_a_fit_of_the_cameras_pose_can_start_from_an_upright_one() -> None:
    pose = {"lens__camera_rotation_mrad": 0.0, "lens__magnification_error": 0.0}
    twin, u = _twin(_fabricated(**pose, lens__follows_wavelength=False)), _drive()
    rotation = torch.zeros((), dtype=torch.float64, requires_grad=True)
    magnification = torch.ones((), dtype=torch.float64, requires_grad=True)

    def means(rotation: Any, magnification: Any) -> Any:
        turned = dataclasses.replace(twin, rotation_rad=rotation, magnification=magnification)
        return _mean(turned, torch.from_numpy(u))[1] / 1e3

    assert torch.autograd.gradcheck(means, (rotation, magnification), eps=1e-6, atol=1e-5)
    (slope,) = torch.autograd.grad(means(rotation, magnification).sum(), rotation)
    assert float(slope.abs()) > 0.0


def test_quantisers_have_an_identity_gradient() -> None:
    u = torch.tensor([0.1, 0.26, 0.9], dtype=torch.float64, requires_grad=True)
    quantised = modulator.quantise_drive(u, 2)
    assert torch.allclose(quantised, torch.tensor([0.0, 1 / 3, 1.0], dtype=torch.float64))
    quantised.sum().backward()
    assert u.grad.tolist() == pytest.approx([1.0, 1.0, 1.0])
    dn = torch.tensor([-3.0, 0.4, 2.5, 9.0], dtype=torch.float64, requires_grad=True)
    counts = camera.quantise_counts(dn, 3)
    assert counts.tolist() == [0.0, 0.0, 2.0, 7.0]
    counts.sum().backward()
    assert dn.grad.tolist() == [0.0, 1.0, 1.0, 0.0]


def test_the_converters_bits_have_no_gradient_and_its_curve_has() -> None:
    u = torch.full((2, 2, 1, 1), 0.3, dtype=torch.float64, requires_grad=True)
    bow = torch.full((2, 2, 1), 0.01, dtype=torch.float64)
    errors = torch.full((2, 2, 1, 4), 0.005, dtype=torch.float64)
    modulator.converted_drive(u, 8, bow, errors).sum().backward()
    # g + 4 B (1 - 2 u), g = 1 - 4 * 0.005.
    assert u.grad.flatten().tolist() == pytest.approx([0.98 + 0.04 * 0.4] * 4)


def test_noise_is_an_argument_with_a_gradient() -> None:
    mean = torch.tensor([100.0, 400.0], dtype=torch.float64, requires_grad=True)
    normals = torch.tensor([1.0, -2.0], dtype=torch.float64)
    camera.noisy_electrons(mean, normals, 0.0, True).sum().backward()
    # d(mu + sqrt(mu) n)/d mu = 1 + n / (2 sqrt(mu)).
    assert mean.grad.tolist() == pytest.approx([1.05, 0.95])


def test_poissons_noise_has_the_same_gradient_and_whole_electrons() -> None:
    mean = torch.tensor([0.0, 25.0, 100.0, 400.0], dtype=torch.float64, requires_grad=True)
    normals = torch.tensor([0.0, 1.0, 1.0, -2.0], dtype=torch.float64)
    quantile = camera.poisson_quantile(mean, torch.special.ndtr(normals))
    assert torch.equal(quantile, quantile.round())
    quantile.sum().backward()
    assert mean.grad.tolist() == pytest.approx([1.0, 1.1, 1.05, 0.95])
