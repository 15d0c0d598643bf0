"""Kernels are prepared once per content, and not kept without bound."""

from __future__ import annotations

import numpy as np
import pytest

from driver import kernels
from driver.kernels import KernelCache, Kernels
from driver.plan import ConvolutionPlan

SHAPE = (1, 2, 40, 40)


def plan(grid: int = 16, dilation: int = 1, stride: int = 1) -> ConvolutionPlan:
    return ConvolutionPlan.for_shapes(
        SHAPE, (4, 2, 3, 3), grid=grid, dilation=dilation, stride=stride
    )


def weights(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((4, 2, 3, 3)).astype(np.float32)


def get(cache: KernelCache, weight: np.ndarray, plan: ConvolutionPlan) -> Kernels:
    return cache.get(weight, plan, plan.parts[0], 1)


def test_kernels_are_known_by_content() -> None:
    cache = KernelCache()
    first = get(cache, weights(1), plan())
    assert get(cache, weights(1).copy(), plan()) is first
    changed = weights(1)
    changed[0, 0, 0, 0] += 1
    for other in (
        get(cache, changed, plan()),
        get(cache, weights(1), plan(dilation=2)),
        get(cache, weights(1), plan(grid=8)),
        get(cache, weights(1), plan(stride=2)),
    ):
        assert other is not first


def test_a_weight_that_changes_in_place_is_another() -> None:
    """What is compared with is a copy, bit for bit: even the sign of a zero counts."""
    cache, weight = KernelCache(), weights(1)
    weight[0, 0, 0, 0] = 0.0
    first = get(cache, weight, plan())
    assert get(cache, weight, plan()) is first
    weight[0, 0, 0, 0] = -0.0
    assert get(cache, weight, plan()) is not first


def test_the_least_recently_used_go_first() -> None:
    one = get(KernelCache(), weights(1), plan())
    assert one.spectra is not None
    room_for_two = 2 * (one.spectra.nbytes + one.moments.nbytes + one.weight.nbytes)
    cache = KernelCache(limit_bytes=room_for_two)
    first, second = (get(cache, weights(s), plan()) for s in (1, 2))
    get(cache, weights(1), plan())
    get(cache, weights(3), plan())
    assert get(cache, weights(1), plan()) is first
    assert get(cache, weights(2), plan()) is not second


def test_large_spectra_come_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Kernels.prepare(weights(1)[None], (1, 1), 16)
    assert whole.spectra is not None
    monkeypatch.setattr(kernels, "SPECTRA_BYTES", 8 * 16 * 9 * 4 * 2 // 2)
    large = Kernels.prepare(weights(1)[None], (1, 1), 16)
    assert large.spectra is None
    for slices, axis, wanted in (
        (list(large.by_outputs(1)), 2, [(0, 2), (2, 4)]),
        (list(large.by_inputs(1)), 3, [(0, 1), (1, 2)]),
    ):
        assert [(s.start, s.stop) for s, _ in slices] == wanted
        assert np.array_equal(np.concatenate([p for _, p in slices], axis=axis), whole.spectra)
