"""A laser that changes its colour: phase of the unbalanced arms, and scale of the spectrum.

Both are seen at the boundary; what neither shows by itself, the change of wavelength, follows from
the other one.
"""

from __future__ import annotations

import numpy as np
import pytest
from boundary import FORMS, Complexes, Floats, codes_of, four_steps, opened

from optical_device.fabrication import fabricate
from optical_device.profile import load_profile

N = 16
WAVELENGTH_NM, RAD_PER_PM = 1550.0, 1.1e-3
GROUP_INDEX, PATH_UM = 4.2, 100.0
"""Of the profile's interferometer: silicon wire, and the difference of its arms."""

HOPPING = {
    "device__n": N,
    "drift__wavelength_rms_pm": 800.0,
    "source__wavelength_rad_per_pm": RAD_PER_PM,
    "lens__follows_wavelength": True,
}


def test_the_profiles_phase_is_that_of_an_unbalanced_interferometer() -> None:
    # Two arms of a wire whose index falls with the wavelength, n(l) = n0 + (n0 - ng)(l - l0)/l0:
    # the phase between them, 2 pi n dL / l, at two wavelengths.
    wavelength, n0 = WAVELENGTH_NM * 1e-9, 2.35

    def phase(change_pm: float) -> float:
        here = wavelength + change_pm * 1e-12
        index = n0 + (n0 - GROUP_INDEX) * (here - wavelength) / wavelength
        return float(2 * np.pi * index * PATH_UM * 1e-6 / here)

    slope = (phase(0.5) - phase(-0.5)) / 1.0
    formula = 2 * np.pi * GROUP_INDEX * PATH_UM * 1e-6 / wavelength**2 * 1e-12
    assert -slope == pytest.approx(formula, rel=1e-6)
    source = load_profile("lab").source
    assert source.wavelength_nm == WAVELENGTH_NM
    # The profile's figure has two digits.
    assert source.wavelength_rad_per_pm == pytest.approx(formula, rel=0.005)
    # And the same arms make its phase per kelvin: 2 pi dL (dn/dT) / l.
    per_kelvin = 2 * np.pi * PATH_UM * 1e-6 * 1.86e-4 / wavelength
    assert load_profile("lab").thermal.ambient_rad_per_k == pytest.approx(per_kelvin, rel=0.01)


def scaled(z: Complexes, scale: float) -> Complexes:
    """1/N sum z e^{-2 pi i s (r-c)(u-c)/N}: a spectrum whose scale on the camera is s."""
    x = np.arange(N) - N // 2
    kernel = np.exp(-2j * np.pi * scale / N * np.outer(x, x))
    return np.asarray(kernel @ z @ kernel / N)


def seen_scale(spectrum: Complexes, z: Complexes) -> tuple[float, float]:
    """Scale of a spectrum of the known field z, and the phase common to all bins [rad].

    Gauss-Newton on the complex factor and the scale, from 1.
    """
    scale = 1.0
    for _ in range(6):
        model = scaled(z, scale)
        slope = (scaled(z, scale + 1e-6) - scaled(z, scale - 1e-6)) / 2e-6
        factor = np.vdot(model, spectrum) / np.vdot(model, model)
        rest = spectrum - factor * model
        along = factor * (slope - model * np.vdot(model, slope) / np.vdot(model, model))
        scale += float(np.real(np.vdot(along, rest)) / np.vdot(along, along).real)
    return scale, float(np.angle(factor))


def hour(form: str) -> tuple[Floats, Floats]:
    """Change of scale and phase of theta [rad] through an hour, from the first frame on."""
    rng = np.random.default_rng(3)
    z = np.exp(2j * np.pi * rng.random((N, N)))
    codes = codes_of(z[None])
    scales, phases = [], []
    with opened(form, "ideal", 11, **HOPPING) as device:
        for _ in range(12):
            spectrum = four_steps(device.expose(codes, launch_step=12))[0]
            scale, phase = seen_scale(spectrum, z)
            scales.append(scale)
            phases.append(phase)
            device.idle(300.0)
    return np.array(scales), np.unwrap(phases)


@pytest.mark.parametrize("form", FORMS)
def test_phase_and_scale_tell_of_one_wavelength(form: str) -> None:
    scales, phases = hour(form)
    # Both stages have unbalanced arms: t_a t_b turns by (theta + theta) / 2 = theta.
    changes_pm = (1.0 - scales) * WAVELENGTH_NM * 1e3
    fit = np.polyfit(changes_pm, phases, 1)
    # float32 phases, 3e-6 rad at 16 px from the axis: scale to 1e-7, of up to 1e-3.
    assert fit[0] == pytest.approx(-RAD_PER_PM, rel=2e-3)
    assert np.abs(phases - np.polyval(fit, changes_pm)).max() < 2e-3
    assert np.ptp(changes_pm) > 500.0
    # Amplitudes stay: theta so small moves cos^2 by theirs alone, and the wavelength is no loss.


@pytest.mark.parametrize("form", FORMS)
def test_the_drift_has_the_profiles_rms(form: str) -> None:
    # Twelve tones with seeded phases: over a span much longer than the lowest one's period, the
    # RMS is the profile's.  Fifty days at 100 odd times; the lowest tone, 1e-4 Hz, has 430 periods.
    codes = np.zeros((1, 2, 2, 4, 4), np.float32)
    options = HOPPING | {"device__n": 4, "lens__follows_wavelength": False}
    options["drift__wavelength_rms_pm"] = 300.0
    phases = []
    with opened(form, "ideal", 11, **options) as device:
        for step in range(100):
            field = four_steps(device.expose(codes, launch_step=20))[0]
            phases.append(np.angle(field[2, 2]))
            device.idle(43_000.0 + 37.0 * step)
    theta = np.array(phases)
    # Mostly one tone: mean square within 1 / sqrt(100 / 2) of it at one sigma.
    assert np.sqrt(np.mean(theta**2)) == pytest.approx(300.0 * RAD_PER_PM, rel=0.3)


def test_a_picometre_moves_the_corner_as_the_profile_says() -> None:
    # Why the laboratory's lens need not follow its wavelength: 2 pi (N/2)^2 2 / N of 1 pm / 1550 nm
    # for the corner emitter at the corner pixel.
    n = 64
    corner = 2 * np.pi * 2 * (n / 2) ** 2 / n * 1e-3 / WAVELENGTH_NM
    assert corner == pytest.approx(0.13e-3, rel=0.02)
    assert not load_profile("lab").lens.follows_wavelength
    f = fabricate(load_profile("lab"), 7)
    assert f.wavelength_rad_per_pm != load_profile("lab").source.wavelength_rad_per_pm
