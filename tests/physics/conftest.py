"""Bounds that the tests of this folder share."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

# The bench, the sheet and the boundary are plain modules of this folder.
sys.path.insert(0, str(Path(__file__).parent))

FALSE_ALARM = 1e-9


@pytest.fixture(scope="session")
def sigmas() -> float:
    """Two-sided normal quantile of 1e-9."""
    return 6.11


@pytest.fixture(scope="session")
def sigmas_of_many() -> float:
    """The same for the largest of up to 100,000 comparisons: 1e-14 each."""
    return 7.74


@pytest.fixture(scope="session")
def kolmogorov() -> float:
    """Bound on sqrt(n) D of a sample's distance D from its distribution, at 1e-9 for any n.

    Dvoretzky-Kiefer-Wolfowitz with Massart's constant: P(D > x) <= 2 exp(-2 n x^2).
    """
    return math.sqrt(math.log(2.0 / FALSE_ALARM) / 2.0)
