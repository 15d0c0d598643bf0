"""Small devices that the tests of this folder share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from optical_device.fabrication import Fabrication, fabricate
from optical_device.profile import load_profile

FALSE_ALARM_SIGMAS = 6.11
"""Two-sided normal quantile of 1e-9: a correct sampler exceeds it once in 1e9 comparisons."""


@pytest.fixture(scope="session")
def lab() -> Fabrication:
    """A laboratory device of 16 x 16 pixels."""
    return fabricate(load_profile("lab", device__n=16), 7)


@pytest.fixture(scope="session")
def ideal() -> Fabrication:
    """An ideal device of 16 x 16 pixels."""
    return fabricate(load_profile("ideal", device__n=16), 7)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20240229)


@pytest.fixture(scope="session")
def sigmas() -> float:
    return FALSE_ALARM_SIGMAS


@pytest.fixture
def lab_codes(rng: np.random.Generator) -> NDArray[Any]:
    """Five frames of random codes for the device `lab`."""
    return rng.integers(0, 2**14, (5, 2, 2, 16, 16), dtype=np.uint16)
