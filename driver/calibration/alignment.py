"""Alignment: shift of chip and camera against the axis, rotation and magnification of the camera.

A shift of the chip tilts the output map's phase; a shift of the camera moves the envelope of the
emitters over it.  Rotation and magnification cannot hide in a map: seen by a camera of
``B = M [[cos a, -sin a], [sin a, cos a]]``, a field z gives to first order, with y = u - c,

    dF/dM = -2 pi i / N (y1 F[x1 z] + y2 F[x2 z]),   dF/da = -2 pi i / N (-y2 F[x1 z] + y1 F[x2 z])

and both follow from one regression of what the model leaves of the main frames.
"""

from __future__ import annotations

import numpy as np

from driver.calibration.bench import Bench
from driver.calibration.calibration import RealArray
from driver.calibration.flat import beam_of
from driver.calibration.model import fourier
from driver.calibration.planes import nominal_output_map
from driver.calibration.reference import remove_leak
from driver.calibration.report import Check, Findings, Line, Panel, Picture, Value, judged

__all__ = ["run"]

FRAMES = 96
"""Of the main ones; enough to know a rotation to a hundredth of what would matter."""


def run(bench: Bench) -> Findings:
    """Measure how chip, lens and camera stand to each other."""
    size = bench.info.grid[0]
    chip_shift, chip_sigma, phase_left = _chip_shift(bench)
    camera_shift, camera_sigma, profile = _camera_shift(bench)
    turn, grow, turn_sigma, grow_sigma = _rotation(bench)
    # Phase at the corner of the field, of the corner bin.
    corner = np.pi * size / 2
    checks = [
        Check("chip off the axis by", float(np.max(np.abs(chip_shift))), 0.5, 3, "px"),
        Check("camera off the axis by", float(np.max(np.abs(camera_shift))), 1, 5, "px"),
        Check(
            "phase by rotation in the corner",
            1e3 * corner * abs(turn),
            10 + 3e3 * corner * turn_sigma,
            200,
            "mrad",
        ),
        Check(
            "phase by magnification in the corner",
            1e3 * corner * abs(grow),
            10 + 3e3 * corner * grow_sigma,
            200,
            "mrad",
        ),
    ]
    verdict, reason = judged(checks)
    return Findings(
        values=(
            Value("chip shift", "px", chip_shift, chip_sigma),
            Value("camera shift", "px", camera_shift, camera_sigma),
            Value("rotation", "rad", turn, turn_sigma),
            Value("magnification error", "relative", grow, grow_sigma),
            Value(
                "output map's phase less its tilt",
                "rad",
                float(np.std(phase_left)),
                float(np.std(phase_left)) / np.sqrt(2 * phase_left.size),
            ),
        ),
        plots=(
            Picture("Output map's phase less its tilt", 1e3 * phase_left, "mrad"),
            profile,
        ),
        verdict=verdict,
        reason=reason,
    )


def _axes(size: int) -> tuple[RealArray, RealArray]:
    axis = np.arange(size) - size // 2.0
    row, column = np.meshgrid(axis, axis, indexing="ij")
    return row, column


def _chip_shift(bench: Bench) -> tuple[RealArray, RealArray, RealArray]:
    """Shift (row, column) of the input plane [px], sigmas, and the phase that is left (N, N)."""
    size = bench.info.grid[0]
    row, column = _axes(size)
    phase = np.angle(bench.chip.output_map / nominal_output_map(bench.info))
    good = ~bench.camera_dead
    design = np.stack([np.ones_like(row), row, column], -1)
    solution, *_ = np.linalg.lstsq(design[good], phase[good], rcond=None)
    left = np.where(good, phase - design @ solution, 0.0)
    covariance = np.linalg.inv(design[good].T @ design[good]) * np.var(left[good])
    scale = size / (2 * np.pi)
    return -solution[1:] * scale, np.sqrt(np.diag(covariance)[1:]) * scale, left


def _camera_shift(bench: Bench) -> tuple[RealArray, RealArray, Panel]:
    """Shift (row, column) of the camera [px] by the emitters' envelope, sigmas, and a profile."""
    size, width = bench.info.grid[0], bench.info.nominal.element_width_fraction
    row, column = _axes(size)
    good = ~bench.camera_dead
    _, _, response = beam_of(bench.reference_dn, good)
    # Output map: beam x response x envelope; reference alone: beam^2 x response.
    envelope = np.abs(bench.chip.output_map) / np.sqrt(bench.reference_dn) * np.exp(-response / 2)
    target = np.log(np.maximum(envelope, 1e-30))
    slope = [_log_sinc_slope(axis, width / size) for axis in (row, column)]
    bend = np.log(np.sinc(width * row / size) * np.sinc(width * column / size))
    design = np.stack([np.ones_like(row), bend, *slope], -1)
    solution, *_ = np.linalg.lstsq(design[good], target[good], rcond=None)
    left = target[good] - design[good] @ solution
    # The response's own tilt went into the beam's fit, and half of it comes back as a tilt here.
    noise = np.var(left) + np.var(response[good]) / 4
    covariance = np.linalg.pinv(design[good].T @ design[good]) * noise
    if not width:
        solution[2:], covariance[:] = 0, 0
    across = np.arange(size) - size // 2.0
    relative = np.exp(target - solution[0])
    profile = Panel(
        "Envelope of the emitters",
        "camera pixel off the axis",
        "of the middle",
        (
            Line(
                "mean of the rows",
                across,
                np.mean(relative, 0) / np.mean(relative[:, size // 2]),
                points=True,
            ),
            Line("data sheet", across, np.sinc(width * across / size)),
        ),
    )
    # ln env(y + s) = ln env(y) + s slope(y)
    return solution[2:], np.sqrt(np.diag(covariance)[2:]), profile


def _log_sinc_slope(y: RealArray, per_pixel: float) -> RealArray:
    """D ln sinc(per_pixel y) / dy."""
    angle = np.pi * per_pixel * y
    safe = np.where(np.abs(angle) > 1e-6, angle, 1.0)
    slope = np.pi * per_pixel * (1 / np.tan(safe) - 1 / safe)
    return np.where(np.abs(angle) > 1e-6, slope, 0.0)


def _rotation(bench: Bench) -> tuple[float, float, float, float]:
    """Rotation [rad] and magnification error of the camera, and their sigmas."""
    chip, size = bench.chip, bench.info.grid[0]
    row, column = (axis.astype(np.float32)[..., None] for axis in _axes(size))
    maps, record = bench.refinement.maps, bench.main
    normal, scatter, right = np.zeros((2, 2)), np.zeros((2, 2)), np.zeros(2)
    for begin in range(0, min(FRAMES, len(maps.gain)), 32):
        part = slice(begin, begin + 32)
        z = chip.field(record.cold[..., part])
        output = chip.output_map[..., None] * maps.gain[part]
        by_row, by_column = fourier(row * z), fourier(column * z)
        turn = np.complex64(-2j * np.pi / size)
        changes = (
            turn * output * (row * by_column - column * by_row),
            turn * output * (row * by_row + column * by_column),
        )
        see = record.trusted[..., part]
        rest = remove_leak(record.spectrum[..., part], chip.leak) - output * fourier(z)
        rest = rest[see]
        seen = np.array([change[see] for change in changes])
        pull = np.real(np.conj(seen) * rest)
        right += pull.sum(1)
        normal += np.real(np.conj(seen) @ seen.T)
        scatter += pull @ pull.T
    turn_rad, grow = np.linalg.solve(normal, right)
    # Bright bins are noisier: the scatter of what they pull at the fit, not a mean noise.
    inverse = np.linalg.inv(normal)
    sigma = np.sqrt(np.diag(inverse @ scatter @ inverse))
    return float(turn_rad), float(grow), float(sigma[0]), float(sigma[1])
