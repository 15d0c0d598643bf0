"""An emulated device in a file, for programs without Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driver import open_device
from driver.backends.emulator import save_emulator
from driver.errors import UnknownDeviceError, ValueRangeError
from driver.library import check, ffi, lib, pointer, struct

N = 16

CodesFor = Callable[..., NDArray[Any]]


@pytest.mark.parametrize("profile", ["lab", "ideal", "lab4f"])
def test_it_is_the_device(tmp_path: Path, codes_for: CodesFor, profile: str) -> None:
    path = tmp_path / "device.spec"
    save_emulator(path, profile, 7, {"device__n": N})
    seen = []
    for uri in (f"emulator:{path}", f"emulator:{profile}?device__n={N}&seed=7"):
        with open_device(uri, threads=1) as device:
            counts = device.expose(codes_for(device, 3))
            info = device.info
            if info.nominal_is_true:  # infinite where the sheet may say so
                assert info.nominal.full_well_e == np.inf
            told = device.telemetry()
            seen.append((counts, info, told.temperature_k, told.laser_mw))
    assert np.array_equal(seen[0][0], seen[1][0])
    assert seen[0][1:] == seen[1][1:]


def test_c_opens_it_alone(tmp_path: Path, codes_for: CodesFor) -> None:
    """`odev_open`, and faults around it."""
    path = tmp_path / "lab7.spec"
    save_emulator(path, "lab", 7, {"device__n": N})
    with open_device(f"emulator:lab?device__n={N}&seed=7", threads=1) as device:
        codes = codes_for(device, 2)
        wanted = device.expose(codes, reference="off", launch_step=8)
        exposure_ns = round(1000 * device.info.timing.exposure_us)
    for uri in (f"emulator:{path}", f"fault:?seed=1&of=emulator:{path}"):
        handle = ffi.new("odev_device **")
        check(lib.odev_open(uri.encode(), handle))
        counts = np.zeros((2, N, N), np.uint16)
        steps = np.full(2, 8, np.uint8)
        job = struct(
            "odev_expose_job",
            frames=2,
            exposures=1,
            reference=lib.ODEV_REFERENCE_OFF,
            laser_on=1,
            exposure_ns=exposure_ns,
            codes=pointer(codes, np.uint16, "const void *"),
            launch_step=pointer(steps, np.uint8, "const uint8_t *"),
            counts=pointer(counts, np.uint16, "void *"),
        )
        check(lib.odev_run_expose(handle[0], job, ffi.NULL))
        check(lib.odev_close(handle[0]))
        assert np.array_equal(counts, wanted[:, 0])


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "lab.spec"
    save_emulator(path, "lab", 0, {"device__n": 4})
    with pytest.raises(ValueRangeError, match="cannot write"):
        save_emulator(path, "lab", 0, {"device__n": 4})
    with pytest.raises(UnknownDeviceError):
        save_emulator(tmp_path / "new.spec", "labb")
    assert not (tmp_path / "new.spec").exists()


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    """A byte changed anywhere, or an end that comes too early."""
    path, broken = tmp_path / "lab.spec", tmp_path / "broken.spec"
    save_emulator(path, "lab", 0, {"device__n": 4})
    whole = path.read_bytes()
    places = [*range(0, 96, 4), *range(100, len(whole), len(whole) // 40), len(whole) - 1]
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 0x41
        broken.write_bytes(damaged)
        with pytest.raises(ValueRangeError, match="cannot be used"):
            open_device(f"emulator:{broken}")
    for size in (0, 7, 50, 400, len(whole) // 2, len(whole) - 1):
        broken.write_bytes(whole[:size])
        with pytest.raises(ValueRangeError, match="cannot be used"):
            open_device(f"emulator:{broken}")


def test_options_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "lab.spec"
    save_emulator(path, "lab", 0, {"device__n": 4})
    for uri, options in ((f"emulator:{path}?device__n=8", {}), (f"emulator:{path}", {"seed": 3})):
        with pytest.raises(ValueRangeError, match="no options"):
            open_device(uri, **options)
    handle = ffi.new("odev_device **")
    assert lib.odev_open(b"emulator:lab", handle) == lib.ODEV_ERR_NOT_FOUND
    assert b"emulator's file" in ffi.string(lib.odev_last_message())
