from __future__ import annotations

import subprocess
import sys

from driver import open_device
from driver.backends import device_uris


def test_every_command_is_listed_with_what_it_does(run) -> None:
    for arguments in ([], ["--help"]):
        result = run(*arguments)
        assert result.exit_code == 0
        for name in ("devices", "calibrate", "upscale", "demo"):
            assert f" {name} " in result.stdout


def test_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "opticonv", "devices"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert done.stderr == ""


def test_devices_lists_all_with_their_data_sheets(run) -> None:
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
        assert f"{info.timing.frame_us() / 1000:.2f} ms" in line
        assert f"{info.power_w:.0f} W" in line
