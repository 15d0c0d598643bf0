"""The same functions in torch: equal to NumPy's, and differentiable."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from optical_device import camera, modulator, stages
from optical_device.fabrication import Fabrication, fabricate
from optical_device.noise import camera_normals
from optical_device.profile import load_profile

torch = pytest.importorskip("torch")

N = 4
FABRICATION = fabricate(load_profile("lab", device__n=N), 7)
TWIN = FABRICATION.with_arrays(torch.from_numpy)
LIGHT = stages.illumination(
    FABRICATION,
    frame=3,
    start_ns=10**9,
    launch_steps=np.array([4, 20]),
    reference="steps",
    exposure_us=100.0,
)
TWIN_LIGHT = LIGHT.with_arrays(torch.from_numpy)


def _mean(fabrication: Fabrication, light: stages.Illumination, u: Any) -> Any:
    steady = stages.steady_phases(fabrication, stages.heater_powers(fabrication, u))
    psi = stages.settled_phases(fabrication, steady, 0.5 * steady)
    spectrum = stages.spectrum(fabrication, stages.chip_field(fabrication, psi, light.ambient_k))
    return stages.mean_electrons(fabrication, spectrum, light, 100.0)


def test_torch_equals_numpy(rng: np.random.Generator) -> None:
    u = rng.random((2, 2, N, N))
    normals = camera_normals(7, 3, N, 2, 4)
    mean = _mean(FABRICATION, LIGHT, u)
    twin = _mean(TWIN, TWIN_LIGHT, torch.from_numpy(u))
    assert twin.dtype == torch.float64
    # Sums and functions of order-1 numbers in double precision: some hundred roundings.
    np.testing.assert_allclose(twin.numpy(), mean, rtol=1e-12, atol=1e-12 * mean.max())
    counts = stages.detect(FABRICATION, mean, normals)
    twin_counts = stages.detect(TWIN, twin, torch.from_numpy(normals))
    assert np.array_equal(twin_counts.numpy(), counts)


def test_single_precision_stays_single() -> None:
    single = FABRICATION.with_arrays(
        lambda a: torch.from_numpy(a.astype(np.complex64 if a.dtype.kind == "c" else np.float32))
    )
    light = LIGHT.with_arrays(
        lambda a: torch.from_numpy(a.astype(np.complex64 if a.dtype.kind == "c" else np.float32))
    )
    u = torch.full((2, 2, N, N), 0.6, dtype=torch.float32)
    mean = _mean(single, light, u)
    assert mean.dtype == torch.float32
    exact = _mean(TWIN, TWIN_LIGHT, u.double())
    # Phases up to 20 rad in float32 (2e-6 rad), fields summed over 16 pixels: 1e-5 of the peak.
    assert float((mean - exact).abs().max() / exact.max()) < 1e-5


def test_several_frames_at_once(rng: np.random.Generator) -> None:
    u = torch.from_numpy(rng.random((3, 2, 2, N, N)))
    together = _mean(TWIN, TWIN_LIGHT, u)
    assert together.shape == (3, 2, 4, N, N)
    for frame in range(3):
        alone = _mean(TWIN, TWIN_LIGHT, u[frame])
        torch.testing.assert_close(together[frame], alone, rtol=1e-12, atol=1e-9)


def test_gradients_of_the_drive(rng: np.random.Generator) -> None:
    u = torch.from_numpy(0.2 + 0.6 * rng.random((2, 2, N, N))).requires_grad_()

    def signal(u: Any) -> Any:
        return _mean(TWIN, TWIN_LIGHT, u)[0, :, 1, :] / 1e4

    assert torch.autograd.gradcheck(signal, (u,), eps=1e-6, atol=1e-5)


def test_gradients_of_the_fabrication(rng: np.random.Generator) -> None:
    import dataclasses

    u = torch.from_numpy(rng.random((2, 2, N, N)))
    names = ("p_pi_mw", "links", "partner", "static_phase_rad", "b0", "b1", "input_map")
    values = [getattr(TWIN, name).clone().requires_grad_() for name in names]

    def field(*values: Any) -> Any:
        trial = dataclasses.replace(TWIN, **dict(zip(names, values, strict=True)))
        steady = stages.steady_phases(trial, stages.heater_powers(trial, u))
        z = stages.chip_field(trial, steady, 0.01)
        return torch.view_as_real(stages.spectrum(trial, z)[1])

    assert torch.autograd.gradcheck(field, tuple(values), eps=1e-6, atol=1e-5)


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


def test_noise_is_an_argument_with_a_gradient() -> None:
    mean = torch.tensor([100.0, 400.0], dtype=torch.float64, requires_grad=True)
    normals = torch.tensor([1.0, -2.0], dtype=torch.float64)
    camera.noisy_electrons(mean, normals, 0.0, True).sum().backward()
    # d(mu + sqrt(mu) n)/d mu = 1 + n / (2 sqrt(mu)).
    assert mean.grad.tolist() == pytest.approx([1.05, 0.95])
