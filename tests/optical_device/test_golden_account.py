"""The whole chain against a second opinion, written out pixel by pixel from docs/physics.md."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from optical_device.fabrication import Fabrication, fabricate
from optical_device.golden import expose_frames
from optical_device.noise import philox4x32
from optical_device.profile import load_profile

N = 6
NEAR = [
    ((0, 1), 0, (0, 0)), ((0, -1), 0, (0, -1)), ((1, 0), 1, (0, 0)), ((-1, 0), 1, (-1, 0)),
    ((1, 1), 2, (0, 0)), ((-1, -1), 2, (-1, -1)), ((1, -1), 3, (0, 0)), ((-1, 1), 3, (-1, 1)),
]  # fmt: skip
FAR = [(r, q) for r in range(-2, 3) for q in range(-2, 3) if max(abs(r), abs(q)) == 2]


def _series(f: Fabrication, channel: int, derivative: bool = False) -> float:
    """A drift at time 0, or its slope."""
    total = 0.0
    for a, w, phase in zip(
        f.drift_amplitude[channel],
        f.drift_omega_rad_per_s[channel],
        f.drift_phase_rad[channel],
        strict=True,
    ):
        total += a * w * np.cos(phase) if derivative else a * np.sin(phase)
    return total


def _powers(f: Fabrication, codes: np.ndarray) -> np.ndarray:
    bits = f.profile.device.dac_bits
    power = np.zeros((2, 2, N, N))
    for s, h, r, q in np.ndindex(power.shape):
        code = int(codes[s, h, r, q])
        u, errors = code / (2**bits - 1), f.dac_bit_error[s, h, r]
        volts = (1 - sum(errors)) * u + 4 * f.dac_bow[s, h, r] * u * (1 - u)
        volts += sum(e for e, bit in zip(errors, f"{code:0{bits}b}", strict=False) if bit == "1")
        cold = f.power_full_mw[s, h, r, q] * volts**2
        beta = f.resistance_slope_per_mw[s, h, r, q]
        power[s, h, r, q] = (np.sqrt(1 + 4 * beta * cold) - 1) / (2 * beta)
    return power


def _substrate(f: Fabrication, power: np.ndarray) -> np.ndarray:
    """Temperature rise of a chip with this power in its pixels."""
    t = f.profile.thermal
    scale = f.substrate_k_per_mw[0, 0]  # what the device's own joint makes of the profile's
    rise = np.zeros((N, N))
    for p in range(3):
        for m in range(3):
            mode = np.outer(*[np.cos(np.pi * k * (np.arange(N) + 0.5) / N) for k in (p, m)])
            weight = (1 if p == 0 else 2) * (1 if m == 0 else 2)
            decay = 1 + (np.pi * t.substrate_length_grids) ** 2 * (p * p + m * m)
            rise += scale * weight / decay * mode * np.sum(mode * power)
    return rise


def _stages(f: Fabrication, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Transmissions of both stages, after a frame without heat."""
    layout = f.profile.device.layout
    power, t, c = _powers(f, codes), np.zeros((2, N, N), complex), N // 2
    for s in range(2):
        chip = power[s].sum(axis=0) if layout == "4f" else power.sum(axis=(0, 1))
        rise = _substrate(f, chip)
        for r in range(N):
            for q in range(N):
                psi = [0.0, 0.0]
                for h in range(2):
                    heat = power[s, h, r, q] + f.partner[s, r, q] * power[s, 1 - h, r, q]
                    for (dr, dq), plane, (hr, hq) in NEAR:
                        if 0 <= r + dr < N and 0 <= q + dq < N:
                            heat += (
                                f.links[s, h, plane, r + hr, q + hq] * power[s, h, r + dr, q + dq]
                            )
                    for dr, dq in FAR:
                        if 0 <= r + dr < N and 0 <= q + dq < N:
                            share = f.ring[{4: 0, 5: 1, 8: 2}[dr * dr + dq * dq]]
                            heat += share * power[s, h, r + dr, q + dq]
                    psi[h] = np.pi * heat / f.p_pi_mw[s, h, r, q]
                psi[0] += f.ambient_rad_per_k * rise[r, q]
                kelvin = _series(f, 2) + _series(f, 3) * (r - c) / N + _series(f, 4) * (q - c) / N
                theta = (1 - f.memory) * psi[0] + f.static_phase_rad[s, 0, r, q]
                theta += f.ambient_rad_per_k * kelvin - f.wavelength_rad_per_pm * _series(f, 5)
                phi = (1 - f.memory) * psi[1] + f.static_phase_rad[s, 1, r, q]
                arms = f.b0[s, r, q] + f.b1[s, r, q] * np.exp(1j * theta)
                t[s, r, q] = arms * np.exp(1j * phi)
    return t[0], t[1]


def _last_lens(f: Fabrication, z: np.ndarray) -> np.ndarray:
    """Direct sum over all pixels, at the frequencies that a rotated camera's pixels see."""
    c, a = N // 2, f.rotation_rad
    scale = f.magnification
    if f.profile.lens.follows_wavelength:
        scale *= 1 - _series(f, 5) * 1e-3 / f.profile.source.wavelength_nm
    x = np.arange(N) - c
    seen = np.zeros((N, N), complex)
    for u in range(N):
        for v in range(N):
            row = scale * (np.cos(a) * (u - c) - np.sin(a) * (v - c))
            column = scale * (np.sin(a) * (u - c) + np.cos(a) * (v - c))
            turn = np.exp(-2j * np.pi / N * (x[:, None] * row + x * column))
            x_back = np.exp(-2j * np.pi / N * c * np.add.outer(np.arange(N), np.arange(N)))
            u_back = np.exp(-2j * np.pi / N * (c * (u + v) - 2 * c * c))
            seen[u, v] = np.sum(z * turn * x_back) * u_back / N
    return seen


def _plain_counts(f: Fabrication, codes: np.ndarray, launch: int, exposure_us: float) -> np.ndarray:
    """Counts of frame 0, in plain Python and NumPy without the package's functions."""
    p, x = f.profile, np.arange(N)
    dft = np.exp(-2j * np.pi * np.outer(x, x) / N) / np.sqrt(N)
    stage_a, stage_b = _stages(f, codes)
    z = f.input_map * stage_a
    if p.device.layout == "4f":
        z = f.middle_map * (dft @ z @ dft.T)
    laser = p.source.laser_mw / p.source.laser_nominal_mw * (1 + _series(f, 1))
    signal = f.launch_gain[launch] * np.sqrt(f.signal_rate_photons_per_us * laser)
    signal = signal * f.output_map * _last_lens(f, z * stage_b)

    key, pixel = (f.seed & 0xFFFFFFFF, f.seed >> 32), np.arange(N * N).reshape(N, N)
    camera_words = [np.asarray(w, float) for w in philox4x32((pixel, 0, 0, 1), key)]
    read_words = [np.asarray(w, float) for w in philox4x32((pixel, 0, 0, 4), key)]
    laser_words = [float(w) for w in philox4x32((0, 0, 0, 2), key)]

    def normal(words: Any, k: int) -> Any:
        w0, w1 = words[2 * (k // 2)], words[2 * (k // 2) + 1]
        rho = np.sqrt(-2 * np.log((np.floor(w0 / 512) + 0.5) / 2**23))
        angle = 2 * np.pi * np.floor(w1 / 256) / 2**24
        return rho * (np.cos(angle) if k % 2 == 0 else np.sin(angle))

    blocked = {"four_step": 0, "three_step": 1, "intensity": 1}[p.device.detection]
    steps = {"four_step": 4, "three_step": 3, "intensity": 1}[p.device.detection]
    counts = np.zeros((steps, N, N))
    t = p.timing
    for k in range(steps):
        after_us = t.write_us + t.settle_us + k * (exposure_us + t.readout_us) + exposure_us / 2
        turn = f.step_phase_rad[k] + _series(f, 0) + _series(f, 0, True) * after_us * 1e-6
        beam = np.sqrt(f.reference_rate_photons_per_us * laser * p.reference.fraction)
        reference = beam * f.reference_map * np.exp(1j * turn) * (k >= blocked)
        light = np.abs(signal + reference) ** 2 * (1 + p.source.rin * normal(laser_words, k))
        light += f.stray_rate_photons_per_us * laser
        mean = exposure_us * light * f.qe_map + exposure_us * 1e-6 * f.dark_e_per_s_map
        if p.camera.gain_e_per_dn > 8.4:
            e = mean + np.sqrt(mean + f.read_noise_e**2) * normal(camera_words, k)
        else:
            uniform = (np.floor(camera_words[k] / 256) + 0.5) / 2**24
            n = stats.norm.ppf(uniform)
            many = np.rint(mean + np.sqrt(mean) * n + (n**2 - 1) / 6)
            e = np.where(mean < 64, stats.poisson.ppf(uniform, mean), np.maximum(many, 0))
            e = e + f.read_noise_e * normal(read_words, k)
        dn = np.minimum(e, f.full_well_e) / f.gain_e_per_dn + f.black_level_dn
        counts[k] = np.clip(np.rint(dn), 0, 2**p.device.adc_bits - 1)
    return counts


STRONG: dict[str, Any] = {
    "lens__vignetting": 0.3,
    "thermal__heat_length_pitches": 0.9,
    "thermal__substrate_k_px_per_w": 100.0 * N**2,
    "thermal__interlock_k": np.inf,
    "drift__gradient_rms_k": 1.0,
    "drift__wavelength_rms_pm": 100.0,
    "modulator__dac_bow_lsb": 16.0,
    "modulator__dac_bit_weight_lsb": 16.0,
}
"""Effects that `lab` has too little of for a mistake in them to show in counts."""

TURNED: dict[str, Any] = {
    "lens__camera_rotation_mrad": 20.0,
    "lens__magnification_error": 0.01,
    "lens__follows_wavelength": True,
}
FINE: dict[str, Any] = {"camera__gain_e_per_dn": 2.0, "reference__rate_photons_per_us": 5.0}
CASES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "strong": STRONG,
    "turned": TURNED,
    "strong and turned": {**STRONG, **TURNED},
    "few electrons": FINE,
}


@pytest.mark.parametrize("layout", ["mft", "4f"])
@pytest.mark.parametrize("detection", ["four_step", "three_step", "intensity"])
@pytest.mark.parametrize("case", CASES)
def test_the_whole_chain_agrees_with_a_pixel_by_pixel_account(
    layout: str, detection: str, case: str, rng: np.random.Generator
) -> None:
    overrides = {"device__layout": layout, "device__detection": detection, **CASES[case]}
    fabrication = fabricate(load_profile("lab", device__n=N, **overrides), 11)
    codes = rng.integers(0, 2**14, (1, 2, 2, N, N), dtype=np.uint16)
    reference = "off" if detection == "intensity" else "steps"
    launch = 24 if case == "few electrons" else 9
    counts = expose_frames(
        fabrication, codes, launch_step=launch, exposure_us=130.0, reference=reference
    )
    expected = _plain_counts(fabrication, codes[0], launch, 130.0)
    assert expected.std() > 10.0
    # A turned camera's series is exact to 2^-24: a count may round the other way, but does not.
    assert np.array_equal(counts[0], expected)
