"""One boundary for both forms of the emulator: codes in, counts out, of the golden model or of C.

What a laboratory would work out from counts is here too, in plain NumPy: the field behind the chip,
pixel by pixel, from four exposures with a stepped reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from driver import Device, open_device
from optical_device.golden import GoldenDevice
from optical_device.profile import load_profile

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]

FORMS = ("golden", "emulator")
FULL_TURNS = 2.8
"""Power of a heater of `ideal` at full drive over that for a phase of pi: 1.4 and 0.5 mW."""


@contextmanager
def opened(form: str, profile: str, seed: int, **overrides: Any) -> Iterator[GoldenDevice | Device]:
    """A device behind its boundary, by the form of its physics (`FORMS`)."""
    if form == "golden":
        yield GoldenDevice(load_profile(profile, **overrides), seed)
    else:
        with open_device(f"emulator:{profile}", seed=seed, threads=1, **overrides) as device:
            yield device


def drive(phase_rad: Any) -> NDArray[np.float32]:
    """Relative voltage for a phase in [0, 2.8 pi]: psi = pi P / P_pi and P = P_full u^2."""
    return np.sqrt(np.asarray(phase_rad) / (np.pi * FULL_TURNS)).astype(np.float32)


def phase_of(drive_fraction: Any) -> Floats:
    """The same backwards [rad], in float64 of what float32 codes say."""
    return np.pi * FULL_TURNS * np.asarray(drive_fraction, dtype=np.float64) ** 2


def codes_of(field: NDArray[Any]) -> NDArray[np.float32]:
    """Codes (n, 2, 2, N, N) of `ideal` for fields of at most 1 on stage a; stage b is open.

    t = cos(theta/2) e^{i (theta/2 + phi)}.
    """
    codes = np.zeros((len(field), 2, 2, *field.shape[1:]), np.float32)
    codes[:, 0] = stage_codes(field)
    return codes


def stage_codes(field: NDArray[Any]) -> NDArray[np.float32]:
    """Codes (n, 2, N, N) of one stage of `ideal` for fields of at most 1."""
    theta = 2.0 * np.arccos(np.minimum(np.abs(field), 1.0))
    phi = np.mod(np.angle(field) - theta / 2.0, 2.0 * np.pi)
    return np.stack([drive(theta), drive(phi)], axis=1)


def four_steps(counts: NDArray[Any]) -> Complexes:
    """4 S r* of counts (..., 4, N, N) with the reference at 0, 90, 180 and 270 degrees [DN]."""
    y = np.asarray(counts, dtype=np.float64)
    return np.asarray(y[..., 0, :, :] - y[..., 2, :, :] + 1j * (y[..., 1, :, :] - y[..., 3, :, :]))


def behind_chip(spectrum: Complexes) -> Complexes:
    """The field whose DFT about pixel (n//2, n//2) of both planes this is, up to a factor."""
    axes = (-2, -1)
    plain = np.fft.ifft2(np.fft.ifftshift(spectrum, axes=axes), norm="ortho")
    return np.asarray(np.fft.fftshift(plain, axes=axes))
