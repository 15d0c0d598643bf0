from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from driver import open_device
from driver.backends import device_uris
from opticonv.cli import app

Run = Callable[..., Any]


def test_every_command_is_listed_with_what_it_does(run: Run) -> None:
    for arguments in ([], ["--help"]):
        result = run(*arguments)
        assert result.exit_code == 0
        for command in app.registered_commands:
            assert command.callback is not None
            assert command.callback.__doc__ is not None
            first = " ".join(command.callback.__doc__.split()[:3])
            assert re.search(f" {command.callback.__name__} +{first}", result.stdout)


def test_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "opticonv", "devices"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stderr == ""


def test_devices_lists_all_with_their_data_sheets(run: Run) -> None:
    result = run("devices")
    assert result.exit_code == 0
    for uri in device_uris():
        with open_device(uri) as device:
            info = device.info
        (line,) = [
            line for line in result.stdout.splitlines() if line.strip().startswith(f"{uri} ")
        ]
        assert f"{info.grid[0]}×{info.grid[1]}" in line
        assert f"{info.dac_bits or 'none'} / {info.adc_bits or 'none'}" in line
        assert f"{info.timing.frame_us() / 1000:.3g} ms" in line
        assert f"{info.power_w:.0f} W" in line
