from __future__ import annotations

import pytest

from nn.training.config import OptimiserSection
from nn.training.schedule import learning_rate


def test_step_schedule_is_the_originals() -> None:
    rates = [learning_rate(OptimiserSection(), epoch) for epoch in (0, 0.9, 1, 2)]
    assert rates == pytest.approx([0.01, 0.01, 0.008, 0.0064])


def test_cosine_schedule_falls_to_its_final_fraction() -> None:
    optimiser = OptimiserSection(schedule="cosine", epochs=10, final_fraction=0.01)
    rates = [learning_rate(optimiser, epoch) for epoch in (0, 5, 10, 11)]
    assert rates == pytest.approx([0.01, (0.01 + 0.0001) / 2, 0.0001, 0.0001])


def test_warm_up_grows_linearly_to_the_schedule() -> None:
    optimiser = OptimiserSection(schedule="constant", rate=1.0, warmup_epochs=2.0)
    rates = [learning_rate(optimiser, epoch) for epoch in (0, 0.5, 1.0, 2.0, 3.0)]
    assert rates == pytest.approx([0.0, 0.25, 0.5, 1.0, 1.0])
