from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from nn.judging import crossed_interval, paired_interval


def test_t_interval_is_the_textbooks() -> None:
    values = [0.1, 0.4, -0.2, 0.3, 0.15]
    found = paired_interval(values)
    wanted = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((wanted.low, wanted.high))
    assert found.mean == pytest.approx(0.15)
    assert (found.pictures, found.devices, found.method) == (5, 1, "t")
    assert not found.excludes(0.0)
    assert found.excludes(-1.0)


def _coverage(hits: list[bool], nominal: float) -> float:
    """Deviation of the share of hits from nominal, in its own standard deviations."""
    count = len(hits)
    return float((np.mean(hits) - nominal) / np.sqrt(nominal * (1 - nominal) / count))


@pytest.mark.parametrize(("count", "confidence"), [(5, 0.95), (14, 0.95), (40, 0.8)])
def test_t_interval_covers_as_often_as_it_says(count: int, confidence: float) -> None:
    rng = np.random.default_rng(11)
    hits = [
        not paired_interval(rng.normal(0.3, 2.0, count), confidence=confidence).excludes(0.3)
        for _ in range(1500)
    ]
    # Exact for normal differences: beyond 6 deviations with probability 2e-9.
    assert abs(_coverage(hits, confidence)) < 6


def test_bootstrap_covers_a_skewed_distribution() -> None:
    rng = np.random.default_rng(12)
    hits = [
        not paired_interval(rng.exponential(1.0, 100), method="bca").excludes(1.0)
        for _ in range(150)
    ]
    # Second-order correct: at 100 exponential draws it covers about 94 % instead of 95; 6
    # deviations of 150 trials are 11 %.
    assert abs(_coverage(hits, 0.94)) < 6
    assert np.mean(hits) > 0.85


def test_bootstrap_gives_the_same_limits_again() -> None:
    values = np.random.default_rng(2).exponential(1.0, 30)
    assert paired_interval(values, method="bca") == paired_interval(values, method="bca")


@pytest.mark.parametrize(
    ("devices", "pictures", "sigmas"),
    [
        (3, 20, (1.0, 1.0, 1.0)),
        (4, 5, (1.0, 0.3, 0.5)),
        (2, 14, (0.03, 0.01, 0.02)),
        (3, 20, (1.0, 0.0, 1.0)),
        (5, 14, (0.0, 1.0, 0.02)),
    ],
)
def test_crossed_interval_covers_pictures_and_devices(
    devices: int, pictures: int, sigmas: tuple[float, float, float]
) -> None:
    rng = np.random.default_rng(13)
    hits = []
    for _ in range(1000):
        of_picture, of_device, rest = (
            sigma * rng.standard_normal(shape)
            for sigma, shape in zip(
                sigmas, [(1, pictures), (devices, 1), (devices, pictures)], strict=True
            )
        )
        hits.append(not crossed_interval(of_picture + of_device + rest).excludes(0.0))
    # Satterthwaite's degrees of freedom are an approximation: within 3 % of nominal, plus 5
    # deviations of 1000 trials (0.7 % each).
    assert abs(np.mean(hits) - 0.95) < 0.03 + 5 * 0.007


def test_one_device_after_another_would_be_too_narrow() -> None:
    """Pictures on two differing devices don't make twice as many independent differences."""
    rng = np.random.default_rng(14)
    values = rng.standard_normal((2, 1)) + 0.1 * rng.standard_normal((2, 50))
    crossed = crossed_interval(values)
    pooled = paired_interval(values.ravel())
    assert crossed.high - crossed.low > 10 * (pooled.high - pooled.low)
    assert crossed.mean == pytest.approx(pooled.mean)


@pytest.mark.parametrize("method", ["t", "bca"])
def test_equal_differences_leave_no_doubt(method: str) -> None:
    found = paired_interval([0.5, 0.5, 0.5], method=method)  # type: ignore[arg-type]
    assert found.low == found.mean == found.high == 0.5


def test_what_has_no_interval_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2 of each, got \\(1,\\)"):
        paired_interval([0.1])
    with pytest.raises(ValueError, match="devices, pictures"):
        crossed_interval([[0.1, 0.2]])
    with pytest.raises(ValueError, match="not finite"):
        paired_interval([0.1, np.inf])
    with pytest.raises(ValueError, match="between 0 and 1"):
        paired_interval([0.1, 0.2], confidence=95)
