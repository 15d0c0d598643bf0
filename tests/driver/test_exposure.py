"""Exposures of a frame: their order and their brightness."""

from __future__ import annotations

import pytest

from driver.errors import ValueRangeError
from driver.exposure import EXPOSURES, GAIN_DB, brightening


@pytest.mark.parametrize("exposure", EXPOSURES)
@pytest.mark.parametrize("step_db", [0.5, 1.0, 1.5, 3.0])
def test_the_first_exposure_is_the_dimmest(exposure: str, step_db: float) -> None:
    brighter = brightening(exposure, step_db, 32)
    assert brighter[0] == 0
    assert min(brighter) == 0
    assert len(brighter) == len(EXPOSURES[exposure])
    for steps in brighter[1:]:
        assert steps * step_db == pytest.approx(GAIN_DB, abs=step_db / 2)


def test_what_the_names_mean() -> None:
    assert brightening("single", 1.5, 32) == (0,)
    assert len(brightening("two_gain", 1.5, 32)) == 2
    assert len(brightening("averaged", 1.5, 32)) > 2


@pytest.mark.parametrize(
    ("step_db", "steps", "most"), [(1.5, 32, 10), (1.5, 6, 5), (1e-9, 256, 255), (1e-300, 1, 0)]
)
def test_an_attenuator_has_so_many_steps(step_db: float, steps: int, most: int) -> None:
    assert brightening("two_gain", step_db, steps) == (0, most)


@pytest.mark.parametrize("exposure", ["", "Single", None, 1, [], ("single",)])
def test_other_names_are_refused(exposure: object) -> None:
    with pytest.raises(ValueRangeError, match="two_gain"):
        brightening(exposure, 1.5, 32)  # type: ignore[arg-type]
