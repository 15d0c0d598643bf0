"""The camera: dark level, read noise, system gain (photon transfer) and saturation level.

After EMVA 1288.  Dark frames have the laser off; the photon transfer uses the reference beam
alone, whose light is steady over the few milliseconds between the two frames of a pair: half the
variance of their difference against the mean gives the system gain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from driver.calibration.calibration import RealArray
from driver.calibration.frames import CalibrationDevice

__all__ = ["CameraFigures", "measure_camera"]

DARK_FRAMES = 16
TRANSFER_PAIRS = 16


@dataclass(slots=True)
class CameraFigures:
    """`black_dn` (N, N) with the dark signal at the default exposure; the others for all pixels."""

    black_dn: RealArray
    saturation_dn: float
    gain_e_per_dn: float
    read_noise_e: float


def measure_camera(device: CalibrationDevice) -> CameraFigures:
    """Measure the camera's figures through the boundary."""
    size = device.info.grid[0]
    codes = np.zeros((DARK_FRAMES, 2, 2, size, size), device.info.code_dtype)
    dark = device.expose(codes, reference="steps", laser="off").astype(np.float64)
    dark = dark.reshape(-1, size, size)
    # The mean over pixels of the temporal variance; rounding adds 1/12 DN^2 of its own.
    dark_variance = float(np.mean(np.var(dark, axis=0, ddof=1)))
    rounding = 1 / 12 if device.info.adc_bits else 0.0
    read_variance = max(dark_variance - rounding, 0.0)
    gain = _photon_transfer(device, dark.mean(0), dark_variance)
    return CameraFigures(
        black_dn=dark.mean(0),
        saturation_dn=_saturation(device),
        gain_e_per_dn=gain,
        read_noise_e=float(np.sqrt(read_variance)) * gain,
    )


def _photon_transfer(device: CalibrationDevice, black_dn: RealArray, dark_variance: float) -> float:
    """System gain [e-/DN]: mean signal over its variance; nominal if there is no shot noise."""
    size = device.info.grid[0]
    codes = np.zeros((2 * TRANSFER_PAIRS, 2, 2, size, size), device.info.code_dtype)
    light = device.expose(codes, reference="only")[:, 0].astype(np.float64)
    difference = light[0::2] - light[1::2]
    # Laser noise moves a whole frame: taken out with the frame's mean, before the variance.
    difference -= difference.mean(axis=(1, 2), keepdims=True)
    variance = float(np.mean(difference**2)) / 2 - dark_variance
    mean = float(np.mean(light - black_dn))
    if variance <= 1e-6 * mean:
        return device.info.nominal.gain_e_per_dn
    return mean / variance


def _saturation(device: CalibrationDevice) -> float:
    """Counts from here on are saturated [DN]; inf when twice the light still gives more.

    An overexposed frame is flat at the full well or the end of the ADC, whichever comes first.
    """
    info = device.info
    codes = np.zeros((1, 2, 2, *info.grid), info.code_dtype)
    longest = info.timing.exposure_range_us[1]
    half, whole = (
        float(np.median(device.expose(codes, reference="only", exposure_us=exposure)))
        for exposure in (longest / 2, longest)
    )
    return float("inf") if whole > half + 1.0 else whole - 0.5
