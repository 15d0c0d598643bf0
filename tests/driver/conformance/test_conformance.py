"""The device test-suite, on every backend of the package or on what OPTICONV_TEST_URI names."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from driver import Device, open_device
from driver.conformance import CHECKS, Check, Subject, run_check

sys.path.insert(0, str(Path(__file__).parents[1]))
from written_backends import build_library, example, write_module

FAULTY = "dropped_frame=p0.1&short_read=p0.05&timeout=7&seed=5"

URIS = {
    "emulator": "emulator:lab?device__n=16&seed=7",
    "ideal": "emulator:ideal?device__n=11",
    "intensity": "emulator:lab?device__n=16&device__detection=intensity",
    "three steps": "emulator:lab?device__n=16&device__detection=three_step",
    "4f": "emulator:lab4f?device__n=16&seed=7",
    "golden 4f": "golden:lab4f?device__n=16&seed=7",
    "golden": "golden:lab?device__n=16&seed=7",
    "null": "null:16",
    "faults": f"fault:?{FAULTY}&of=emulator:lab?device__n=16&seed=7",
    "faulty golden": f"fault:?{FAULTY}&of=golden:lab?device__n=16&seed=7",
    "library": "library:{folder}/mydevice.so?n=16",
    "faulty library": f"fault:?{FAULTY}&of=library:{{folder}}/mydevice.so?n=16",
    "python": "python:mybench.Bench?n=16",
    "record": "record:{session}?of=emulator:lab?device__n=16&seed=7",
}
if "OPTICONV_TEST_URI" in os.environ:
    URIS = {"yours": os.environ["OPTICONV_TEST_URI"]}

SKIPS = {
    "null": {"laser monitor", "laser off is dark", "more light is more", "codes matter"},
    "intensity": {"transform"},
    "4f": {"transform"},
    "golden 4f": {"transform"},
}
"""What doesn't apply to a backend; anything else that is skipped is a failure here."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("backends")
    build_library(example("c"), made)
    write_module(made)
    return made


@pytest.fixture
def subject_of(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Subject]:
    monkeypatch.syspath_prepend(str(folder))

    def subject(name: str) -> Subject:
        numbers = count()

        def opened() -> Device:
            place = {"folder": folder, "session": tmp_path / f"{next(numbers)}.h5"}
            return open_device(URIS[name].format(**place))

        return Subject(opened)

    return subject


@pytest.mark.parametrize("check", CHECKS, ids=[one.name.replace(" ", "-") for one in CHECKS])
@pytest.mark.parametrize("name", URIS)
def test_a_backend_does_what_every_device_does(
    subject_of: Callable[[str], Subject], name: str, check: Check
) -> None:
    outcome = run_check(check, subject_of(name))
    assert outcome.verdict != "fail", outcome.reason
    if outcome.verdict == "skip":
        if name != "yours":
            assert check.name in SKIPS.get(name, set()), outcome.reason
        pytest.skip(outcome.reason)


def test_the_list_of_checks_is_what_it_was() -> None:
    """A check that is no longer registered would pass everywhere."""
    assert len(CHECKS) == len({check.name for check in CHECKS}) == 26
    assert all(check.says.endswith(".") for check in CHECKS)
