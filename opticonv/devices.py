"""`opticonv devices`: what can be opened."""

from __future__ import annotations

from driver import DeviceInfo, open_device
from driver.backends import device_uris
from opticonv.console import report_table, result_console

__all__ = ["devices"]


def devices() -> None:
    """List the devices that can be opened."""
    table = report_table("Devices")
    for name in ("URI", "grid", "DAC / ADC bits", "layout", "detection"):
        table.add_column(name, no_wrap=True)
    for name in ("frame time", "power"):
        table.add_column(name, justify="right", no_wrap=True)
    for uri in device_uris():
        with open_device(uri) as device:
            table.add_row(uri, *_row(device.info))
    console = result_console()
    console.print(table)
    console.print(
        "Frame time: one four-step exposure. Power: while working.\n"
        "A URI may override its profile, emulator:lab?seed=7&device__n=32, or name a profile of "
        "your own, emulator:PROFILE.toml.",
        highlight=False,
    )


def _row(info: DeviceInfo) -> tuple[str, ...]:
    bits = " / ".join(str(b or "none") for b in (info.dac_bits, info.adc_bits))
    return (
        f"{info.grid[0]}×{info.grid[1]}",
        bits,
        info.layout,
        info.detection,
        f"{info.timing.frame_us() / 1000:.3g} ms",
        f"{info.power_w:.0f} W",
    )
