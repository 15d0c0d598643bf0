"""Kernels are prepared once per content, and not kept without bound."""

from __future__ import annotations

import numpy as np
import pytest

from driver import kernels
from driver.kernels import KernelCache, Kernels
from driver.plan import ConvolutionPlan
from driver.spectral import bin_blocks

SHAPE = (1, 2, 40, 40)


def plan(grid: int = 16, dilation: int = 1, stride: int = 1) -> ConvolutionPlan:
    return ConvolutionPlan.for_shapes(
        SHAPE, (4, 2, 4, 3), grid=grid, dilation=dilation, stride=stride
    )


def weights(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((4, 2, 4, 3)).astype(np.float32)


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


def test_kernels_of_few_taps_are_kept_from_their_second_use_on() -> None:
    weight = np.ascontiguousarray(weights(1)[:, :, :3])
    few = ConvolutionPlan.for_shapes(SHAPE, weight.shape, grid=16)
    cache = KernelCache()
    first = get(cache, weight, few)
    assert first.formed
    assert first.spectra is None
    assert cache.get(weight, few, few.parts[0], 1, met_again=False) is first  # its gradient
    again = get(cache, weight, few)
    assert again.spectra is not None
    assert get(cache, weight, few) is again
    assert cache.get(weight, few, few.parts[0], 1, met_again=False) is again


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


def test_kernels_of_few_taps_are_formed_as_they_are_multiplied() -> None:
    """The same products as with kept spectra, to the bit, both ways."""
    rng = np.random.default_rng(2)
    shape = (bin_blocks(16), 3, 2, 5, 2, 16)  # three tiles, two groups of five inputs
    pictures = rng.standard_normal(shape).astype(np.float32)
    weight = rng.standard_normal((2, 7, 5, 3, 2)).astype(np.float32)
    kept = Kernels.prepare(weight, (2, 1), 16)
    formed = Kernels.prepare(weight, (2, 1), 16, formed=True)
    assert formed.spectra is None
    for threads in (1, 2):
        products = [np.full((*shape[:3], 7, 2, 16), np.nan, np.float32) for _ in range(2)]
        back = [np.full(shape, np.nan, np.float32) for _ in range(2)]
        for one, forth, adjoint in zip((kept, formed), products, back, strict=True):
            one.multiply(pictures, forth, threads=threads)
            one.multiply(products[0], adjoint, adjoint=True, threads=threads)
        assert np.array_equal(*products)
        assert np.array_equal(*back)


def test_wide_layers_form_their_kernels_in_slices() -> None:
    """More channels than are formed at a time."""
    rng = np.random.default_rng(3)
    pictures = rng.standard_normal((bin_blocks(8), 1, 1, 70, 2, 16)).astype(np.float32)
    weight = rng.standard_normal((1, 5, 70, 3, 3)).astype(np.float32)
    products = [np.full((bin_blocks(8), 1, 1, 5, 2, 16), np.nan, np.float32) for _ in range(2)]
    for formed, result in zip((False, True), products, strict=True):
        Kernels.prepare(weight, (1, 1), 8, formed=formed).multiply(pictures, result, threads=2)
    assert np.array_equal(*products)


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
