"""Codes that know how brightly to expose them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driver import Codes, Device

N = 16
STEPS = np.array([3, 1, 4, 1, 5], np.uint8)


@pytest.fixture
def codes() -> Codes:
    plain = np.arange(5 * 4 * 4, dtype=np.uint16).reshape(5, 2, 2, 2, 2)
    return Codes(plain, STEPS)


@pytest.mark.parametrize("key", [slice(1, 3), slice(None), slice(None, None, -2), slice(4, 4)])
def test_slices_take_their_steps_along(codes: Codes, key: slice) -> None:
    part = codes[key]
    assert np.array_equal(part, np.asarray(codes)[key])
    assert np.array_equal(part.launch_step, STEPS[key])


@pytest.mark.parametrize(
    "key",
    [
        [0, 1],
        [4, -5, 4],
        [],
        [True, False, True, True, False],
        np.array([2, 0]),
        np.array([2, 0], np.uint8),
        np.arange(5) % 2 == 0,
    ],
)
def test_chosen_frames_take_their_steps_along(codes: Codes, key: Any) -> None:
    part = codes[key]
    assert np.array_equal(part, np.asarray(codes)[key])
    assert part.launch_step is not None
    assert np.array_equal(part.launch_step, STEPS[key])


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c + np.uint16(0),
        lambda c: c.reshape(-1),
        lambda c: c.swapaxes(1, 2),
        lambda c: c.astype(np.float32),
        lambda c: c[0],
        lambda c: c[..., ::-1],
        lambda c: c[np.array([[0, 1], [2, 3]])],
        lambda c: c[np.asarray(c) > 3],
        lambda c: c[None],
        lambda c: np.concatenate([c, c]),
        lambda c: np.roll(c, 1, axis=0),
    ],
)
def test_other_arrays_have_no_steps(codes: Codes, change: Callable[[Codes], Any]) -> None:
    assert getattr(change(codes), "launch_step", None) is None


def test_copies_of_codes_are_never_wrong(codes: Codes) -> None:
    """With the right steps, or with none."""
    for twin in (codes.copy(), copy.copy(codes), copy.deepcopy(codes)):
        steps = getattr(twin, "launch_step", None)
        assert steps is None or np.array_equal(steps, STEPS)


def test_codes_share_memory(codes: Codes) -> None:
    assert np.shares_memory(codes, codes[1:3])
    assert np.asarray(codes).__class__ is np.ndarray


def test_expose_uses_the_steps_of_codes(
    calibrated: Callable[..., Device], targets: Callable[..., NDArray[Any]]
) -> None:
    """Unless others are asked for."""
    x = np.zeros((1, N, N), np.complex64)
    x[0, 3, 4] = 1  # one bright pixel spreads its light: far brighter than the default
    counts = []
    for how in ("as they are", "in a slice", "given", "left to the default", "by a mask"):
        with calibrated("emulator:lab", seed=7, device__n=N) as device:
            encoded = device.encode(x)
            plain = np.asarray(encoded.codes)
            if how == "as they are":
                counts.append(device.expose(encoded.codes))
            elif how == "in a slice":
                counts.append(device.expose(encoded.codes[0:1]))
            elif how == "by a mask":
                counts.append(device.expose(encoded.codes[np.array([True])]))
            elif how == "given":
                counts.append(device.expose(plain, launch_step=encoded.launch_step))
            else:
                counts.append(device.expose(plain))
    assert np.array_equal(counts[0], counts[1])
    assert np.array_equal(counts[0], counts[2])
    assert np.mean(counts[0] != counts[3]) > 0.5
    assert np.array_equal(counts[0], counts[4])
