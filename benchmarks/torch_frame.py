"""The frame path in torch operations: the yardstick that the C kernels are measured against.

Same physics and same host model as csrc/: encode over both stages against crosstalk, second ring
and substrate,
converters with bow and bit errors, heaters with R(T), crosstalk of two rings, the substrate's modes
and the interlock, memory, modulators, lens, four-step detection with shot and read noise, 12-bit
counts, decode.  float32 throughout and a whole batch in each operation, as one would write it in
torch.  What differs: noise comes from torch's generator, drifts of phase, temperature, gradient and
wavelength are frozen and added up beforehand, and the launch step is taken from the strongest bin
of the spectrum itself, which a driver could not know.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from driver import Calibration, DeviceInfo
from optical_device.drift import Drift, drift_of
from optical_device.fabrication import Fabrication

TWO_PI = 2.0 * math.pi
WINDOW_LOW, PARKED_PHI = 0.35 * math.pi, 1.35 * math.pi
LINKS = ((0, 1), (1, 0), (1, 1), (1, -1))
LEADING_BITS, MODES = 4, 3
JACOBI_ROUNDS = 2


def _tensor(array: Any) -> Tensor:
    t = torch.as_tensor(array)
    return t.to(torch.complex64 if t.is_complex() else torch.float32)


def _heat_of_neighbours(power: Tensor, links: Tensor, partner: Tensor) -> Tensor:
    """sum_j c_ij P_j over eight neighbours and the partner; power (n, 2, 2, N, N)."""
    n = power.shape[-1]
    heat = power.flip(2) * partner[:, None]
    for d, (dr, dc) in enumerate(LINKS):
        here_c = slice(max(0, -dc), n - max(0, dc))
        there_c = slice(max(0, dc), n - max(0, -dc))
        here, there = (..., slice(0, n - dr), here_c), (..., slice(dr, n), there_c)
        link = links[:, :, d][here]
        heat[here] += link * power[there]
        heat[there] += link * power[here]
    return heat


def _heat_of_second_ring(power: Tensor, ring: list[float]) -> Tensor:
    """Three coefficients for all: rows added first, then columns (a third of a conv2d's time)."""
    near, knight, corner = ring
    padded = torch.nn.functional.pad(power, (2, 2, 2, 2))
    one = padded[..., 1:-3, :] + padded[..., 3:-1, :]
    two = padded[..., :-4, :] + padded[..., 4:, :]
    x = torch.add(padded[..., 2:-2, :] * near, one, alpha=knight).add_(two, alpha=corner)
    heat = x[..., :-4] + x[..., 4:]
    heat.add_(two[..., 1:-3], alpha=knight).add_(two[..., 3:-1], alpha=knight)
    return heat.add_(two[..., 2:-2], alpha=near)


def _power(cold: Tensor, slope: Tensor) -> Tensor:
    return 2.0 * cold / (1.0 + torch.sqrt(1.0 + 4.0 * slope * cold))


@dataclass
class TorchFrames:
    """A calibrated host and a fabricated device, as tensors."""

    info: DeviceInfo
    cal: Calibration
    fab: Fabrication

    def __post_init__(self) -> None:
        c, f = self.cal, self.fab
        self.c = {
            name: _tensor(getattr(c, name))
            for name in ("power_full_mw", "rho", "theta0_rad", "kappa_rad_per_mw", "beta_per_mw",
                         "links", "partner", "input_map", "output_map", "launch_gain")
        }  # fmt: skip
        self.f = {
            name: _tensor(getattr(f, name))
            for name in ("power_full_mw", "resistance_slope_per_mw", "p_pi_mw", "links", "partner",
                         "static_phase_rad", "b0", "b1", "input_map", "output_map",
                         "reference_map", "qe_map", "dark_e_per_s_map", "launch_gain")
        }  # fmt: skip
        self.converters = {
            "gain": _tensor(1.0 - f.dac_bit_error.sum(-1))[..., None],
            "bow": _tensor(4.0 * f.dac_bow)[..., None],
            "bits": _tensor(f.dac_bit_error),
        }
        self.ring = [float(value) for value in f.ring]
        self.known_ring = [float(value) for value in c.ring]
        n = self.info.grid[0]
        place = (np.arange(n) + 0.5) * np.pi / n
        self.modes = _tensor(np.cos(np.arange(MODES)[:, None] * place))
        self.substrate = _tensor(f.ambient_rad_per_k * f.substrate_k_per_mw)
        self.known_substrate = _tensor(c.substrate_rad_per_mw)
        self.f["static_phase_rad"][:, 0] += self._surroundings(c.device_time_ns)
        ones = torch.ones(1, 2, 2, *self.info.grid)
        self.start = 1 / (1 + _heat_of_neighbours(ones, self.c["links"], self.c["partner"]))
        phase = f.step_phase_rad + self._reference_phase(c.device_time_ns * 1e-9)
        self.steps = torch.polar(torch.ones(4), _tensor(phase))

    def _surroundings(self, time_ns: int) -> Tensor:
        """What drifts add to theta, frozen at a device time [rad]."""
        f, n = self.fab, self.info.grid[0]
        value, _ = drift_of(f, time_ns)
        x = (np.arange(n) - n // 2) / n
        rise = value[Drift.AMBIENT] + value[Drift.GRADIENT_ROW] * x[:, None]
        rise = rise + value[Drift.GRADIENT_COLUMN] * x
        turned = f.wavelength_rad_per_pm * value[Drift.WAVELENGTH]
        return _tensor(f.ambient_rad_per_k * rise - turned)

    def _reference_phase(self, time_s: float) -> float:
        """The reference arm's phase, frozen at a device time [rad]."""
        f = self.fab
        angles = f.drift_omega_rad_per_s[0] * time_s + f.drift_phase_rad[0]
        return float((f.drift_amplitude[0] * np.sin(angles)).sum())

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Codes (n, 2, 2, N, N) as float, scale (n, 1, 1), launch step (n,)."""
        c, rho = self.c, self.c["rho"]
        t = x / c["input_map"]
        reach = (1.0 + rho[0]) * (1.0 + rho[1])
        scale = 1.0 / (t.abs() / reach).amax((1, 2), keepdim=True)
        peak = (torch.fft.fft2(x * scale, norm="ortho").abs() * c["output_map"].abs()).amax((1, 2))
        amplitude = t.abs() * scale
        floor, ceiling = (1.0 - rho).abs(), 1.0 + rho
        first = amplitude.sqrt().clamp(floor[0], ceiling[0])
        second = (amplitude / first).clamp(floor[1], ceiling[1])
        m = torch.stack([amplitude / second, second], 1).clamp(floor, ceiling)
        cosine = ((m * m - 1.0 - rho * rho) / (2.0 * rho)).clamp(-1.0, 1.0)
        theta = torch.acos(cosine)
        stages = torch.complex(1.0 + rho * cosine, rho * torch.sin(theta))
        phi_a = (t * (stages[:, 0] * stages[:, 1]).conj()).angle() - PARKED_PHI
        psi_theta = theta - c["theta0_rad"]
        psi = torch.stack(
            [psi_theta[:, 0], phi_a, psi_theta[:, 1], torch.full_like(phi_a, PARKED_PHI)], 1
        )
        psi = (psi - WINDOW_LOW) % TWO_PI + WINDOW_LOW
        power = self._power_alone(psi)
        psi[:, ::2] -= self._warmth(self._moments(power), self.known_substrate)[:, None]
        psi = (psi - WINDOW_LOW) % TWO_PI + WINDOW_LOW
        heat = psi.reshape(power.shape) / c["kappa_rad_per_mw"]
        power = heat * self.start
        for _ in range(JACOBI_ROUNDS):
            others = _heat_of_neighbours(power, c["links"], c["partner"])
            power = heat - others - _heat_of_second_ring(power, self.known_ring)
        power = power.clamp(min=0.0)
        cold = power * (1.0 + c["beta_per_mw"] * power)
        drive = (cold / c["power_full_mw"]).sqrt().clamp(max=1.0)
        return (drive * self.info.code_max).round(), scale, self._launch_step(peak)

    def _power_alone(self, psi: Tensor) -> Tensor:
        """Powers (n, 2, 2, N, N) that make phases (n, 4, N, N), neighbours taken to be alike."""
        return psi.reshape(-1, 2, 2, *self.info.grid) / self.c["kappa_rad_per_mw"] * self.start

    def _launch_step(self, peak: Tensor) -> Tensor:
        reference = float(self.cal.reference_dn.mean()) ** 0.5
        most = (self.cal.saturation_dn - float(self.cal.black_dn.mean())) ** 0.5
        fits = peak[:, None] * self.c["launch_gain"].abs() <= reference * (most - reference)
        return (~fits).sum(1).clamp(max=len(self.c["launch_gain"]) - 1)

    def expose(self, codes: Tensor, launch_step: Tensor, exposure_us: float) -> Tensor:
        """Counts (n, 4, N, N), int16."""
        f, fab = self.f, self.fab
        drive = self._drive(codes)
        power = _power(f["power_full_mw"] * drive * drive, f["resistance_slope_per_mw"])
        heat = power + _heat_of_neighbours(power, f["links"], f["partner"])
        heat += _heat_of_second_ring(power, self.ring)
        psi = math.pi * heat / f["p_pi_mw"]
        psi[:, :, 0] += self._substrate_phase(power)[:, None]
        before = torch.cat([torch.zeros_like(psi[:1]), psi[:-1]])
        phase = psi + fab.memory * (before - psi) + f["static_phase_rad"]
        theta, phi = phase[:, :, 0], phase[:, :, 1]
        arms = torch.complex(f["b0"] + f["b1"] * theta.cos(), f["b1"] * theta.sin())
        t = arms * torch.complex(phi.cos(), phi.sin())
        field = f["input_map"] * t[:, 0] * t[:, 1]
        launch = fab.signal_rate_photons_per_us**0.5 * f["launch_gain"][launch_step]
        signal = launch[:, None, None] * f["output_map"] * torch.fft.fft2(field, norm="ortho")
        reference = fab.reference_rate_photons_per_us**0.5 * f["reference_map"]
        light = (signal[:, None] + self.steps[:, None, None] * reference).abs().square()
        light = light * (1.0 + fab.profile.source.rin * torch.randn(len(codes), 4, 1, 1))
        light = light + fab.stray_rate_photons_per_us
        mean = exposure_us * (light * f["qe_map"] + 1e-6 * f["dark_e_per_s_map"])
        electrons = mean + (mean + fab.read_noise_e**2).sqrt() * torch.randn_like(mean)
        electrons = electrons.clamp(max=fab.full_well_e)
        dn = (electrons / fab.gain_e_per_dn + fab.black_level_dn).round()
        return dn.clamp(0.0, self.info.count_max).to(torch.int16)

    def _drive(self, codes: Tensor) -> Tensor:
        """Voltages that the converters give, by row: smooth part and leading bits."""
        dac, bits = self.converters, self.info.dac_bits
        u = codes / self.info.code_max
        drive = u * (dac["gain"] + dac["bow"] * (1.0 - u))
        whole = codes.to(torch.int32)
        for k in range(LEADING_BITS):
            drive = drive + dac["bits"][..., k, None] * ((whole >> (bits - 1 - k)) & 1)
        return drive

    def _substrate_phase(self, power: Tensor) -> Tensor:
        """Phase of theta by the chip's warmth, (n, N, N), below the interlock."""
        moments = self._moments(power)
        rise_k = self.fab.substrate_k_per_mw[0, 0] * float(moments[:, 0, 0].max())
        heat = self.fab.profile.thermal
        if heat.ambient_k + rise_k > heat.interlock_k:
            raise RuntimeError("too warm")
        return self._warmth(moments, self.substrate)

    def _moments(self, power: Tensor) -> Tensor:
        """Cosine moments of the chip's power, (n, 3, 3)."""
        return self.modes @ power.sum((1, 2)) @ self.modes.T

    def _warmth(self, moments: Tensor, rad_per_mw: Tensor) -> Tensor:
        """Phase of theta that the modes' warmth makes, (n, N, N)."""
        return self.modes.T @ (rad_per_mw * moments) @ self.modes

    def decode(self, counts: Tensor, scale: Tensor, launch_step: Tensor) -> Tensor:
        """Spectra (n, N, N) complex64."""
        dn = counts.to(torch.float32)
        y = torch.complex(dn[:, 0] - dn[:, 2], dn[:, 1] - dn[:, 3]) * 0.25
        leak = self.cal.conjugate_leak
        y = (y - leak * y.conj()) / (1.0 - abs(leak) ** 2)
        gain = self.c["launch_gain"][launch_step][:, None, None]
        return y / (gain * self.c["output_map"] * scale)

    def transform(self, x: Tensor, exposure_us: float) -> Tensor:
        """encode, expose, decode: what ``Device.transform(x, exposure="single")`` does."""
        codes, scale, launch_step = self.encode(x)
        counts = self.expose(codes.to(torch.int32).to(torch.float32), launch_step, exposure_us)
        return self.decode(counts, scale, launch_step)
