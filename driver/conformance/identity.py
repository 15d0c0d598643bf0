"""Checks of what a device says that it is: capabilities, data sheet, parameters, sensors."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from driver.conformance.registry import check
from driver.conformance.subject import Skipped, Subject, counts_of, expect, refused
from driver.errors import ReadOnlyError, ValueRangeError
from driver.info import DeviceInfo


@check
def capabilities(subject: Subject) -> None:
    """Grid, converters, timing and launch steps make sense, and agree with each other."""
    with subject.open() as device:
        info, t = device.info, device.info.timing
    expect(info.serial, "the serial number is empty")
    expect(info.grid[0] == info.grid[1] >= 1, f"the grid {info.grid} is not square")
    for name, bits in (("dac_bits", info.dac_bits), ("adc_bits", info.adc_bits)):
        expect(0 <= bits <= 16, f"{name} is {bits}; it must be 0 to 16")
    for name, bits, dtype in (
        ("code_dtype", info.dac_bits, info.code_dtype),
        ("count_dtype", info.adc_bits, info.count_dtype),
    ):
        wanted = np.dtype(np.uint16 if bits else np.float32)
        expect(dtype == wanted, f"{name} is {dtype}; with {bits} bits it must be {wanted}")
    expect(min(t.write_us, t.settle_us, t.readout_us, t.tau_us) >= 0, "a duration is negative")
    low, high = t.exposure_range_us
    expect(0 < low <= t.exposure_us <= high, f"exposure {t.exposure_us} us is out of its range")
    expect(info.nominal.launch_steps >= 1, "there is no launch step")


@check
def data_sheet(subject: Subject) -> None:
    """Nominal values are finite and positive where something is divided by them."""
    with subject.open() as device:
        info = device.info
    expect(info.layout in ("mft", "4f"), f"layout is {info.layout!r}")
    detections = ("four_step", "three_step", "intensity")
    expect(info.detection in detections, f"detection is {info.detection!r}")
    steps = info.timing.reference_steps
    expect(steps == info.reference_steps, f"timing has {steps} steps of the reference")
    nominal = info.nominal
    for field in dataclasses.fields(nominal):
        value = getattr(nominal, field.name)
        fine = np.all(np.isfinite(value)) or field.name in ("reference_waist_px", "full_well_e")
        expect(fine and np.min(value) >= 0, f"nominal.{field.name} is {value}")
    for name in ("p_pi_mw", "power_full_mw", "b0", "b1", "qe", "gain_e_per_dn", "full_well_e"):
        expect(getattr(nominal, name) > 0, f"nominal.{name} must be above 0")
    expect(
        0 <= nominal.launch_default_step < nominal.launch_steps,
        f"launch_default_step is {nominal.launch_default_step} of {nominal.launch_steps}",
    )


@check
def reopening(subject: Subject) -> None:
    """Opened again, it's the same device, at time 0."""
    infos: list[DeviceInfo] = []
    for _ in range(2):
        with subject.open() as device:
            infos.append(device.info)
            told = device.telemetry()
            expect(told.frames == 0, f"{told.frames} frames are counted at opening")
            expect(told.device_time_s == 0, f"the clock starts at {told.device_time_s} s")
    expect(infos[0].serial == infos[1].serial, f"{infos[0].serial} became {infos[1].serial}")
    expect(infos[0] == infos[1], "the data sheet changed")


@check
def parameters(subject: Subject) -> None:
    """Every parameter keeps to its range, and one that is refused keeps its value."""
    with subject.open() as device:
        for name in device.params:
            told = device.params.describe(name)
            expect(told.minimum <= told.value <= told.maximum, f"{name} is {told.value}")
            if told.read_only:
                with refused(device, f"setting {name}", ReadOnlyError):
                    device.params[name] = told.value
                continue
            if isinstance(told.value, bool):
                for switch in (False, True):
                    device.params[name] = switch
                    expect(device.params[name] is switch, f"{name} does not become {switch}")
                continue
            for limit in (told.minimum, told.maximum):
                device.params[name] = limit
                expect(device.params[name] == limit, f"{name} does not become {limit}")
            for value in (told.minimum - 1, told.maximum * 2 + 1, math.nan):
                with refused(device, f"{name} = {value}", ValueRangeError):
                    device.params[name] = value
            expect(device.params[name] == told.maximum, f"a refused value changed {name}")
            device.params[name] = told.value


@check
def sensors(subject: Subject) -> None:
    """Temperature and laser monitor give finite readings, before and after frames."""
    with subject.open() as device:
        for _ in range(2):
            told = device.telemetry()
            expect(math.isfinite(told.temperature_k), f"the temperature is {told.temperature_k}")
            expect(math.isfinite(told.laser_mw), f"the laser monitor says {told.laser_mw}")
            expect(0 <= told.temperature_k < 1000, f"the temperature is {told.temperature_k} K")
            counts_of(device, 1)
        expect(told.faults == 0, f"{told.faults} jobs are counted as failed")


@check
def laser_monitor(subject: Subject) -> None:
    """The laser monitor reads within a factor of two of the setting, and near 0 when it is off."""
    with subject.open() as device:
        lit = device.telemetry().laser_mw
        setting = float(device.params["laser_mw"])
        device.params["laser_enabled"] = False
        dark = device.telemetry().laser_mw
    if lit == dark == 0:
        raise Skipped("the laser monitor always reads 0")
    expect(setting / 2 < lit < 2 * setting, f"it reads {lit} mW at a setting of {setting} mW")
    expect(abs(dark) < 0.1 * setting, f"it reads {dark} mW with the laser off")
