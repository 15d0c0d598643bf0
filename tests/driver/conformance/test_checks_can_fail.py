"""Each check fails on a device that has what it looks for, and says what."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from itertools import count
from typing import Any

import numpy as np
import pytest

from driver import Device, open_device
from driver.backends import Block, Reading, plain_info
from driver.conformance import CHECKS, Subject, run_check
from driver.errors import BackendError
from driver.params import Params


class Bench:
    """A sound device: every pixel is lit by its own codes."""

    laser_nominal_mw, laser_max_mw = 1.0, 2.0

    def __init__(self, **sheet: Any) -> None:
        self.info = plain_info(**{"serial": "BENCH", "n": 4, "reproducible": True, **sheet})

    def light(self, block: Block) -> float:
        return block.laser_mw * block.exposure_ns * 1e-5 * block.laser_on

    def drive(self, block: Block) -> Any:
        return block.codes.sum(axis=(1, 2), dtype=np.float64)[:, None, None]

    def launch(self, block: Block) -> Any:
        return block.launch_step

    def execute(self, block: Block) -> None:
        signal = (block.reference != "only") * 0.1 / (1.0 + self.launch(block))
        signal = np.broadcast_to(signal, block.launch_step.shape)[:, :, None, None, None]
        reference = 20.0 * block.reference_fraction * (block.reference != "off")
        dn = 64 + self.light(block) * (reference + signal * self.drive(block))
        block.counts[...] = np.minimum(dn, 4095)

    def sensors(self, reading: Reading) -> tuple[float, float]:
        return 300.0, reading.laser_mw


class Unserialised(Bench):
    def __init__(self) -> None:
        super().__init__(serial="")


class Blind(Bench):
    def __init__(self) -> None:
        super().__init__(qe=0.0)


class Changing(Bench):
    numbers = count()

    def __init__(self) -> None:
        super().__init__(serial=f"BENCH-{next(self.numbers)}")


class Molten(Bench):
    def sensors(self, reading: Reading) -> tuple[float, float]:
        return math.nan, reading.laser_mw


class Glowing(Bench):
    def sensors(self, reading: Reading) -> tuple[float, float]:
        return 300.0, 1.0


class TooWide(Bench):
    def execute(self, block: Block) -> None:
        block.counts[...] = 5000


class Late(Bench):
    def execute(self, block: Block) -> None:
        super().execute(block)
        block.clock_jump_ns = 1


class Failing(Bench):
    def execute(self, block: Block) -> None:
        raise BackendError("the shutter is stuck")


class AlwaysLit(Bench):
    def light(self, block: Block) -> float:
        return float(block.reference != "off")


class Unattenuated(Bench):
    def launch(self, block: Block) -> Any:
        return 0


class Deaf(Bench):
    def drive(self, block: Block) -> Any:
        return np.full((len(block.codes), 1, 1, 4, 4), 30000.0)


class Random(Bench):
    def drive(self, block: Block) -> Any:
        return super().drive(block) + np.random.default_rng().integers(0, 1000, (4, 4))


class Splitting(Bench):
    def drive(self, block: Block) -> Any:
        return super().drive(block) + 1000 * len(block.codes)


BROKEN: dict[str, type[Bench]] = {
    "capabilities": Unserialised,
    "data sheet": Blind,
    "reopening": Changing,
    "sensors": Molten,
    "laser monitor": Glowing,
    "counts": TooWide,
    "time": Late,
    "frames are counted": Failing,
    "laser off is dark": AlwaysLit,
    "more light is more": Unattenuated,
    "codes matter": Deaf,
    "repeatability": Random,
    "splits": Splitting,
    "tickets": Failing,
    "cancelling": Failing,
    "threads": Failing,
    "closing": Failing,
    "errors pass": Failing,
}
"""Checks that a backend can fail."""


def _drifting(device: Device, told: Any) -> Any:
    return dataclasses.replace(told, frames=1000 - told.frames)


def _no_idle(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Device, "idle", lambda self, seconds: None)


def _anything_goes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Device, "expose", lambda self, codes, **options: np.zeros(2))


def _slow_nothing(patch: pytest.MonkeyPatch) -> None:
    expose = Device.expose

    def slow(self: Device, codes: Any, *args: Any, **options: Any) -> Any:
        self.idle(1.0)
        return expose(self, codes, *args, **options)

    patch.setattr(Device, "expose", slow)


def _stubborn_params(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Params, "__setitem__", lambda self, name, value: None)


def _scribbling(patch: pytest.MonkeyPatch) -> None:
    expose = Device.expose

    def scribble(self: Device, codes: Any, *args: Any, **options: Any) -> Any:
        counts = expose(self, codes, *args, **options)
        codes += 1
        return counts

    patch.setattr(Device, "expose", scribble)


def _no_numbers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Device, "decode", lambda self, counts, encoded: np.full((3, 4, 4), np.nan))


def _backwards(patch: pytest.MonkeyPatch) -> None:
    telemetry = Device.telemetry
    patch.setattr(Device, "telemetry", lambda self: _drifting(self, telemetry(self)))


def _forgiving_forks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Device, "telemetry", lambda self: None)


PATCHED: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "parameters": _stubborn_params,
    "codes are left alone": _scribbling,
    "refusals": _anything_goes,
    "idle": _no_idle,
    "nothing takes no time": _slow_nothing,
    "transform": _no_numbers,
    "telemetry answers": _backwards,
    "a fork": _forgiving_forks,
}
"""Checks of what the driver itself owes."""


def test_every_check_is_tried() -> None:
    assert set(BROKEN) | set(PATCHED) == {check.name for check in CHECKS}
    assert not set(BROKEN) & set(PATCHED)


@pytest.mark.parametrize("check", CHECKS, ids=[one.name.replace(" ", "-") for one in CHECKS])
def test_a_sound_device_passes_and_a_broken_one_fails(
    check: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = run_check(check, Subject(lambda: open_device(backend=Bench())))
    assert (sound.verdict, sound.reason) == ("pass", "")
    kind = BROKEN.get(check.name, Bench)
    if check.name in PATCHED:
        PATCHED[check.name](monkeypatch)
    broken = run_check(check, Subject(lambda: open_device(backend=kind())))
    assert broken.verdict == "fail"
    assert broken.reason
