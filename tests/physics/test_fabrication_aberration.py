"""A lot of lenses: their aberrations have the profile's size and no preferred direction."""

from __future__ import annotations

import numpy as np
import pytest

from optical_device.fabrication import fabricate
from optical_device.lens import axis_maps, zernike
from optical_device.profile import load_profile

LAB = load_profile("lab")


def test_aberrations_point_everywhere(sigmas: float) -> None:
    """Same RMS in every device; the mixture's directions are those of independent normals."""
    n, first, last = 16, LAB.lens.noll_first, LAB.lens.noll_last
    x = (np.arange(n) - n // 2) / (n / np.sqrt(2.0))
    row, column = np.meshgrid(x, x, indexing="ij")
    modes = np.stack(
        [zernike(j, np.hypot(row, column), np.arctan2(row, column)) for j in range(first, last + 1)]
    ).reshape(last - first + 1, -1)
    profile = load_profile(
        "lab",
        device__n=n,
        source__tree_phase_error_rad=0.0,
        lens__camera_shift_px=0.0,
    )
    mixtures = []
    for seed in range(60):
        waves = np.angle(fabricate(profile, seed).input_map / axis_maps(n)[0]) / (2 * np.pi)
        assert np.std(waves) == pytest.approx(profile.lens.aberration_waves_rms, rel=1e-9)
        with_piston = np.vstack([modes, np.ones(n * n)]).T
        fit, *_ = np.linalg.lstsq(with_piston, waves.ravel(), rcond=None)
        mixtures.append(fit[:-1] / np.linalg.norm(fit[:-1]))
    # A unit vector of d independent normals: each component has variance 1 / d, mean 0, and no
    # correlation with another: products scatter by 1 / d at most.
    directions = np.array(mixtures)
    d = directions.shape[1]
    moments = directions.T @ directions / len(directions)
    bound = sigmas * np.sqrt(2.0 / len(directions)) / d
    assert np.abs(moments - np.eye(d) / d).max() < 1.2 * bound
    assert np.abs(directions.mean(0)).max() < 1.2 * sigmas / np.sqrt(d * len(directions))
