"""Stated uncertainties are honest: errors against the truth, in stated sigmas.

One 32 x 32 device here; ``benchmarks/calibration.py`` does ten of 64 x 64 and prints the table.
"""

from __future__ import annotations

import numpy as np
import pytest
from comparison import compare
from scipy.stats import norm

MAPS = (
    "black level", "dark current", "PRNU of a pixel", "reference beam",
    "heater: phase at full power", "heater: bend", "heater: arm ratio",
    "heater: phase without heat", "nearest links", "diagonal links", "partner link",
    "input map, modulus", "input map, phase", "output map, modulus", "output map, phase",
)  # fmt: skip
SCALARS = (
    "system gain", "read noise", "saturation", "beam centre",
    "beam waist", "second ring", "substrate", "leak", "chip shift",
    "camera shift", "rotation", "magnification", "phase steps", "drift rate",
)  # fmt: skip


@pytest.fixture(scope="module")
def compared(specimen):
    return compare(specimen.reports, specimen.calibration, specimen.device.info, specimen.truth)


@pytest.mark.parametrize("name", MAPS)
def test_sigmas_of_maps_are_their_scatter(compared, name):
    """1024 pixels or more know an RMS to 2 %: what else is off is the sigma's, within 1.5."""
    found = compared[name]
    ratio = np.sqrt(np.mean(found.pull**2))
    assert 1 / 1.5 < ratio < 1.5
    # The largest of n Gaussians, and 1.5 on top, since a sigma is an estimate itself.
    assert np.max(np.abs(found.pull)) < norm.isf(0.25 / found.pull.size) + 1.5


@pytest.mark.parametrize("name", SCALARS)
def test_single_numbers_are_within_five_sigmas(compared, name):
    """A right sigma is exceeded five times once in 2e6; one 1.5 too small once in 1200."""
    assert np.max(np.abs(compared[name].pull)) < 5


def test_the_heaters_report_is_of_the_last_fit(specimen):
    """What the calibration holds, to float32's rounding: nothing is fitted again afterwards."""
    report = next(report for report in specimen.reports if report.routine == "heaters")
    found = specimen.calibration
    full = found.power_full_mw
    for name, wanted in (
        ("phase at full cold power", found.kappa_rad_per_mw * full),
        ("bend of the resistance at full power", found.beta_per_mw * full),
        ("arm ratio", found.rho),
        ("phase without heat", found.theta0_rad),
    ):
        np.testing.assert_allclose(report.value(name).value, wanted, rtol=1e-6, atol=1e-6)


def test_a_report_says_what_it_cost_and_why(specimen):
    names = [report.routine for report in specimen.reports]
    assert names[0] == "dark"
    assert names[-1] == "drift"
    for report in specimen.reports:
        assert report.verdict == "pass", report.reason
        assert report.reason
        assert report.plots
        assert report.frames >= 0
    total = sum(report.frames for report in specimen.reports)
    assert total == specimen.calibration.figures["frames"]
