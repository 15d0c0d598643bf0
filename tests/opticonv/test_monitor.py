"""`opticonv monitor`: what it shows, what it prints, and how it ends."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from driver import Device, Telemetry, open_device
from driver.errors import InterlockError
from opticonv.monitor.exercise import Exercise
from opticonv.monitor.reading import HISTORY, History
from opticonv.monitor.rest import Rest
from opticonv.monitor.screen import curve, line, screen

Run = Callable[..., Any]

URI = "emulator:lab?device__n=16"
IDEAL = "emulator:ideal?device__n=16"


@pytest.fixture
def device() -> Iterator[Device]:
    with open_device(URI) as opened:
        yield opened


def shown(device: Device, history: History, width: int = 80) -> str:
    console = Console(width=width, file=io.StringIO(), record=True)
    console.print(screen(URI, device.info, history))
    return console.export_text()


def test_one_reading_as_json(run: Run) -> None:
    result = run("monitor", URI, "--once", "--json")
    assert result.exit_code == 0
    (told,) = map(json.loads, result.stdout.splitlines())
    assert {field.name for field in dataclasses.fields(Telemetry)} < set(told)
    assert (told["frames"], told["queued"], told["flags"]) == (0, 0, ["UNCALIBRATED"])
    assert told["laser_mw"] == pytest.approx(10, rel=0.1)
    assert told["pilot_age_s"] is None


def test_lines_for_a_file(run: Run) -> None:
    result = run("monitor", URI, "--readings", 3, "--interval", 0.02)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert len(lines) == 3
    assert all(text.endswith("UNCALIBRATED") and "0 frames" in text for text in lines)


def test_the_exercise_makes_things_move(run: Run) -> None:
    result = run("monitor", IDEAL, "--exercise", "--json", "--readings", 4, "--interval", 0.2)
    assert result.exit_code == 0
    told = [json.loads(text) for text in result.stdout.splitlines()]
    assert len(told) == 4
    frames = [reading["frames"] for reading in told]
    assert frames == sorted(frames)
    assert frames[-1] > frames[0]
    assert told[-1]["device_time_s"] > told[0]["device_time_s"]
    assert any(reading["frames_per_s"] > 0 for reading in told)


def test_the_display(device: Device) -> None:
    history = History()
    history.look(device)
    text = shown(device, history)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text, "cut off"
    for word in (
        URI, device.info.serial, "clock", "chip", "laser", "set to 10 mW", "queue", "frames",
        "saturated", "drift", "no pilot frame yet", "faults", "UNCALIBRATED",
    ):  # fmt: skip
        assert word in text, word
    device.params["laser_enabled"] = False
    history.look(device)
    text = shown(device, history)
    assert "switched off" in text
    assert "LASER_OFF" in text
    assert "LASER_OFF" in line(history.last)


def test_the_display_of_a_working_device() -> None:
    with open_device("emulator:lab", device__n=16) as device:
        device.calibrate()
        history = History()
        with Exercise(device):
            while not history.look(device).telemetry.pilots or len(list(history)) < 5:
                time.sleep(0.02)
        text = shown(device, history)
        assert "by the last pilot frame" in text
        assert "mrad" in text
        assert "UNCALIBRATED" not in text
        assert device.telemetry().queued == 0, "the exercise leaves nothing behind"


def test_what_went_wrong_is_flagged() -> None:
    """Interlock, jump of the clock, lost frames: each can be told from the others."""
    faults = "clock_jump=1&dropped_frame=3&laser_trip=6"
    uri = f"fault:?{faults}&of={URI}"
    with open_device(uri) as device:
        history = History()
        history.look(device)
        assert not {"INTERLOCK", "CLOCK_JUMPED"} & set(history.last.flags)
        with pytest.raises(InterlockError):
            device.expose(np.zeros((8, 2, 2, 16, 16), np.uint16))
        history.look(device)
        text = shown(device, history)
    assert {"INTERLOCK", "CLOCK_JUMPED", "LASER_OFF", "FAULTS"} <= set(history.last.flags)
    assert "INTERLOCK" in text
    (lost,) = [row for row in text.splitlines() if "lost" in row]
    assert " 1 " in lost


def test_a_long_uri_hides_nothing() -> None:
    with open_device(URI) as device:
        history = History()
        history.look(device)
        console = Console(width=80, file=io.StringIO(), record=True)
        console.print(screen("fault:?" + "dropped_frame=1&" * 20, device.info, history))
        text = console.export_text()
    assert device.info.serial in text
    assert "16×16" in text
    assert max(map(len, text.splitlines())) <= 80


def test_ctrl_c_comes_between_readings() -> None:
    with Rest() as rest:
        os.kill(os.getpid(), signal.SIGINT)  # drawing
        with pytest.raises(KeyboardInterrupt):
            rest.for_s(60)
    with Rest():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_curves() -> None:
    assert curve([]) == ""
    assert curve([5.0], 4) == "   ▁"
    assert curve([0, 1, 2, 7], 4) == "▁▂▃█"
    assert curve([9, 0, 1, 2, 7], 4) == "▁▂▃█", "the newest"
    assert curve([3, 3, 3], 3) == "▁▁▁"


def test_history_is_bounded(device: Device) -> None:
    history = History()
    for _ in range(HISTORY + 10):
        history.look(device)
    assert len(list(history)) == HISTORY
    assert history.last.host_s >= next(iter(history)).host_s


@pytest.mark.parametrize(
    ("arguments", "culprit"),
    [
        (("--interval", "0"), "--interval"),
        (("--interval", "nan"), "--interval"),
        (("--readings", "0"), "--readings"),
        (("--seed", "x"), "--seed"),
    ],
)
def test_refusals(run: Run, arguments: tuple[str, ...], culprit: str) -> None:
    result = run("monitor", URI, "--once", *arguments)
    assert result.exit_code == 2
    assert culprit in result.stderr


def test_unknown_devices(run: Run) -> None:
    result = run("monitor", "toaster:1", "--once")
    assert result.exit_code == 1
    assert "toaster" in result.stderr


def test_ctrl_c_ends_the_live_display() -> None:
    """In a terminal of its own, while the exercise runs: the cursor comes back."""
    screen_of, terminal = pty.openpty()
    # Without a buffer, Python loses what a signal cuts off of a write.
    environment = {**os.environ, "TERM": "xterm", "PYTHONUNBUFFERED": ""}
    child = subprocess.Popen(
        [sys.executable, "-m", "opticonv", "monitor", IDEAL, "--exercise", "--interval", "0.05"],
        stdout=terminal, stderr=terminal, stdin=terminal, env=environment,
    )  # fmt: skip
    os.close(terminal)
    seen = b""
    while seen.count(b"frames") < 4:
        seen += os.read(screen_of, 65536)
    child.send_signal(signal.SIGINT)
    try:
        while part := os.read(screen_of, 65536):
            seen += part
    except OSError:  # how Linux tells that a terminal has lost its last process
        pass
    os.close(screen_of)
    assert child.wait(30) == 0
    text = seen.decode()
    assert "Traceback" not in text
    assert "ResourceWarning" not in text
    assert text.rfind("\x1b[?25h") > text.rfind("\x1b[?25l"), "the cursor is shown again"
