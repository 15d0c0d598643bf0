"""library:, backends from shared libraries, sound and not."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driver import Device, open_device
from driver.errors import (
    BackendError,
    DriverError,
    FrameLostError,
    UnknownDeviceError,
    ValueRangeError,
)

sys.path.insert(0, str(Path(__file__).parents[1]))
from written_backends import build_library, example

CodesFor = Callable[..., NDArray[Any]]
Opener = Callable[..., Device]
Targets = Callable[..., NDArray[np.complex64]]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_library(example("c"), tmp_path_factory.mktemp("bench"))


def changed(bench: Path, folder: Path, *changes: tuple[str, str]) -> Path:
    """The example with other code in it."""
    source = bench.with_suffix(".c").read_text()
    for old, new in changes:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    return build_library(source, folder)


def test_a_library_s_device(bench: Path, codes_for: CodesFor) -> None:
    with open_device(f"library:{bench}?n=8") as device:
        assert device.info.serial == "BENCH-0001"
        assert device.info.grid == (8, 8)
        assert device.info.reproducible
        assert device.info.timing.settle_us == 400.0
        codes = codes_for(device, 1)
        counts = device.expose(codes, reference="off", launch_step=0, exposure_us=10.0)
        # Its own equation: 64 + 0.1 (exposure / 100 us) times the sum of a pixel's codes.
        wanted = np.minimum(64 + 0.01 * codes.sum(axis=(1, 2), dtype=float), 4095)
        assert np.array_equal(counts[:, 0], wanted.astype(np.uint16))


def test_options_come_from_the_uri_and_from_keywords(bench: Path) -> None:
    for uri, keywords in ((f"library:{bench}?n=8", {}), (f"library:{bench}", {"n": 8})):
        with open_device(uri, **keywords) as device:
            assert device.n == 8
    with open_device(f"library:{bench}?n=8", n=12) as device:
        assert device.n == 12


def test_a_name_without_a_slash_is_in_this_folder(
    bench: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bench.parent)
    with open_device(f"library:{bench.name}") as device:
        assert device.n == 16


def test_two_devices_of_one_library(bench: Path, codes_for: CodesFor) -> None:
    with open_device(f"library:{bench}?n=8") as one:
        with open_device(f"library:{bench}?n=4") as other:
            assert len(other.expose(codes_for(other, 1))) == 1
        assert len(one.expose(codes_for(one, 1))) == 1  # the library is still there


def test_the_data_sheet_is_made_up_where_there_is_none(bench: Path) -> None:
    with open_device(f"library:{bench}") as device:
        assert device.info.profile_name == "bench"
        assert device.info.nominal.power_full_mw > 2 * device.info.nominal.p_pi_mw
        assert not device.info.nominal_is_true


SHEET = """
static odev_status get_data_sheet(void *context, odev_data_sheet *sheet) {
  (void)context;
  strcpy(sheet->profile_name, "a bench");
  strcpy(sheet->profile_hash, "1234");
  sheet->p_pi_mw = P_PI;
  sheet->power_w = 12;
  return ODEV_OK;
}

/* What library: looks for."""


@pytest.mark.parametrize("p_pi", [0.75, 0.0, -1.0])
def test_a_library_s_own_data_sheet(bench: Path, tmp_path: Path, p_pi: float) -> None:
    library = changed(
        bench,
        tmp_path,
        ("\n/* What library: looks for.", SHEET.replace("P_PI", str(p_pi))),
        (".get_caps = get_caps,", ".get_caps = get_caps, .get_data_sheet = get_data_sheet,"),
    )
    if p_pi <= 0:
        with pytest.raises(BackendError, match="not positive"):
            open_device(f"library:{library}")
        return
    with open_device(f"library:{library}") as device:
        info = device.info
        assert (info.profile_name, info.profile_hash, info.power_w) == ("a bench", "1234", 12)
        assert info.nominal.p_pi_mw == p_pi


# ---- what goes wrong -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "error", "message"),
    [
        (".abi_version = ODEV_ABI_VERSION", ".abi_version = 999", BackendError, "version 999"),
        (
            ".struct_size = sizeof *backend,",
            ".struct_size = sizeof *backend - 8,",
            BackendError,
            "version",
        ),
        (".execute_block = execute_block, ", "", ValueRangeError, "null"),
        (".laser_max_mw = 2", ".laser_max_mw = 0.5", ValueRangeError, "laser"),
        (".dac_bits = 14", ".dac_bits = 17", BackendError, "dac_bits"),
        (".exposure_min_ns = 1000", ".exposure_min_ns = 0", BackendError, "exposure"),
        (".struct_size = sizeof *caps, ", "", BackendError, "struct_size"),
        ("b->n = 16;", "b->n = 1;", ValueRangeError, "n must be 2 to 512"),
    ],
)
def test_libraries_that_are_not_sound(
    bench: Path, tmp_path: Path, old: str, new: str, error: type[DriverError], message: str
) -> None:
    unused = (
        "\n/* What library: looks for.",
        (
            "\nodev_status (*odev_use)(void *, const odev_block *, odev_report *) = execute_block;"
            "\n/* What library: looks for."
        ),
    )
    with pytest.raises(error, match=message) as caught:
        open_device(f"library:{changed(bench, tmp_path, (old, new), unused)}")
    assert "\n" not in str(caught.value)


def test_files_that_are_no_libraries(tmp_path: Path) -> None:
    with pytest.raises(UnknownDeviceError, match="cannot be loaded"):
        open_device(f"library:{tmp_path}/nothing.so")
    text = tmp_path / "text.so"
    text.write_text("int main;")
    with pytest.raises(UnknownDeviceError, match="cannot be loaded"):
        open_device(f"library:{text}")
    other = build_library("int odev_backend_close(void);\nint x = 3;\n", tmp_path, "other")
    with pytest.raises(UnknownDeviceError, match="no symbol odev_backend_open"):
        open_device(f"library:{other}")
    with pytest.raises(ValueRangeError, match="path"):
        open_device("library:")


FAILS = """  if (block->first_frame + block->frames > 2) {
    report->frames_done = block->first_frame < 2 ? (uint32_t)(2 - block->first_frame) : 0;
    report->native_code = 42;
    snprintf(report->message, sizeof report->message, "no trigger");
    return STATUS;
  }
  return ODEV_OK;
}

static odev_status read_sensors"""


@pytest.mark.parametrize(
    ("status", "error", "frames"),
    [("ODEV_ERR_FRAME_LOST", FrameLostError, 6), ("ODEV_ERR_BACKEND", BackendError, 2)],
)
def test_a_library_s_failures(
    bench: Path,
    tmp_path: Path,
    codes_for: CodesFor,
    status: str,
    error: type[DriverError],
    frames: int,
) -> None:
    """Its number and message come through, and its first frames are kept."""
    library = changed(
        bench,
        tmp_path,
        (
            "  return ODEV_OK;\n}\n\nstatic odev_status read_sensors",
            FAILS.replace("STATUS", status),
        ),
    )
    with open_device(f"library:{library}") as device:
        with pytest.raises(error, match="no trigger") as caught:
            device.expose(codes_for(device, 4))
        assert type(caught.value) is error
        assert caught.value.native_code == 42
        assert len(caught.value.finished) == 2
        assert device.telemetry().frames == frames


def test_a_library_is_closed_after_its_device(bench: Path, codes_for: CodesFor) -> None:
    def is_mapped() -> bool:
        return os.fspath(bench) in Path("/proc/self/maps").read_text()

    if not Path("/proc/self/maps").exists():
        pytest.skip("this system does not show its maps")
    assert not is_mapped()
    with open_device(f"library:{bench}") as device:
        device.expose(codes_for(device, 1))
        assert is_mapped()
    assert not is_mapped()
    with pytest.raises(ValueRangeError):
        open_device(f"library:{bench}?n=1")
    assert not is_mapped()
