"""Kernels are prepared once per content, and not kept without bound."""

from __future__ import annotations

import numpy as np
import pytest

from driver import kernels
from driver.kernels import KernelCache, Kernels


def weights(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((1, 4, 2, 3, 3)).astype(np.float32)


def test_kernels_are_known_by_content() -> None:
    cache = KernelCache()
    first = cache.get(weights(1), (1, 1), 16)
    assert cache.get(weights(1).copy(), (1, 1), 16) is first
    changed = weights(1)
    changed[0, 0, 0, 0, 0] += 1
    assert cache.get(changed, (1, 1), 16) is not first
    assert cache.get(weights(1), (2, 1), 16) is not first
    assert cache.get(weights(1), (1, 1), 8) is not first


def test_the_least_recently_used_go_first() -> None:
    one = KernelCache().get(weights(1), (1, 1), 16)
    assert one.spectra is not None
    room_for_two = 2 * (one.spectra.nbytes + one.moments.nbytes + one.weight.nbytes)
    cache = KernelCache(limit_bytes=room_for_two)
    first, second = (cache.get(weights(s), (1, 1), 16) for s in (1, 2))
    cache.get(weights(1), (1, 1), 16)
    cache.get(weights(3), (1, 1), 16)
    assert cache.get(weights(1), (1, 1), 16) is first
    assert cache.get(weights(2), (1, 1), 16) is not second


def test_large_spectra_come_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Kernels.prepare(weights(1), (1, 1), 16).spectra
    assert whole is not None
    monkeypatch.setattr(kernels, "SPECTRA_BYTES", whole.nbytes // 2)
    large = Kernels.prepare(weights(1), (1, 1), 16)
    assert large.spectra is None
    parts = list(large.by_outputs())
    assert [(s.start, s.stop) for s, _ in parts] == [(0, 2), (2, 4)]
    assert np.array_equal(np.concatenate([p for _, p in parts], axis=-1), whole)
