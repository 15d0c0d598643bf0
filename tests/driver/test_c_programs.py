"""The C library by itself: its tests and its example, built and run."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from c_build import SOURCE, build_c, run, tool

from driver import open_device
from driver.backends.emulator import save_emulator
from driver.library import lib


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library without Python, with our warnings as errors."""
    return build_c(tmp_path_factory.mktemp("csrc"))


@pytest.mark.slow
@pytest.mark.parametrize("program", sorted(path.stem for path in SOURCE.glob("tests/test_*.c")))
def test_c_tests_pass(build: Path, program: str) -> None:
    assert "all well" in run(str(build / program))


@pytest.mark.slow
def test_the_example_runs(build: Path) -> None:
    lines = run(str(build / "expose_counts"), "null:64", "5").splitlines()
    assert lines[0] == "null-64: 64 x 64, 14-bit codes, 12-bit counts"
    # 5 frames of 4 exposures, 1 us each, and no time for writing, settling and reading.
    assert lines[1] == "5 frames, 20 exposures, mean count 0.00, device time 0 to 20000 ns"
    assert lines[2].startswith("since opening: 5 frames, 0.000020 s")


@pytest.mark.slow
def test_the_example_sees_the_light_of_an_emulated_device(build: Path, tmp_path: Path) -> None:
    """From a file that Python wrote: what C counts is what Python counts."""
    with open_device("emulator:lab", seed=3, device__n=16) as device:
        n, top = device.n, 2**device.info.dac_bits
        codes = (np.arange(2 * 4 * n * n) % top).astype(np.uint16).reshape(2, 2, 2, n, n)
        counts = device.expose(codes, launch_step=0)
        serial = device.info.serial
    path = tmp_path / "lab3.spec"
    save_emulator(path, "lab", 3, {"device__n": 16})
    lines = run(str(build / "expose_counts"), f"emulator:{path}", "2").splitlines()
    assert lines[0] == f"{serial}: 16 x 16, 14-bit codes, 12-bit counts"
    assert f"mean count {counts.mean():.2f}," in lines[1]


# What docs/driver.md says of a program of one's own: the headers alone, and the library's archive.
PROGRAM = """
#include <stdio.h>
#include "optical_driver.h"
int main(void) {
  odev_device *device = NULL;
  if (odev_open("null:8", &device)) return puts(odev_last_message());
  odev_caps caps = {.struct_size = sizeof caps};
  if (odev_get_caps(device, &caps)) return puts(odev_last_message());
  printf("%u %u\\n", odev_abi_version(), caps.n);
  return odev_close(device);
}
"""


@pytest.mark.slow
def test_a_program_of_one_s_own(build: Path, tmp_path: Path) -> None:
    (tmp_path / "program.c").write_text(PROGRAM)
    (command,) = re.findall(r"^cc (.*)$", (SOURCE.parent / "docs/driver.md").read_text(), re.M)
    places = {"program.c": "program.c", "csrc/include": f"{SOURCE}/include", "build/": f"{build}/"}
    for told, here in places.items():
        command = command.replace(told, here)
    subprocess.run([tool("gcc"), *command.split()], cwd=tmp_path, check=True)
    assert run(str(tmp_path / "program")) == f"{lib.ODEV_ABI_VERSION} 8\n"


@pytest.mark.parametrize("language", ["c", "c++"])
@pytest.mark.parametrize("header", sorted(path.name for path in SOURCE.glob("include/*.h")))
def test_headers_stand_alone(tmp_path: Path, header: str, language: str) -> None:
    """Nothing has to be included before, in C11 and in C++, without a warning."""
    (tmp_path / "alone").write_text(f'#include "{header}"\n')
    standard = {"c": "-std=c11", "c++": "-std=c++17"}[language]
    warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
    run(
        tool({"c": "gcc", "c++": "g++"}[language]), "-fsyntax-only", standard, *warnings,
        f"-I{SOURCE}/include", "-x", language, str(tmp_path / "alone"),
    )  # fmt: skip


@pytest.mark.slow
def test_the_example_refuses_nonsense(build: Path) -> None:
    for argument in ("0", "-1", "many"):
        command = [str(build / "expose_counts"), "null:64", argument]
        done = subprocess.run(command, capture_output=True, check=False)
        assert done.returncode == 2
        assert b"usage" in done.stderr


@pytest.mark.slow
def test_the_queue_example_runs(build: Path) -> None:
    lines = run(str(build / "queue_jobs"), "null:8").splitlines()
    assert lines[:4] == [
        "laser_enabled = 1, 0 to 1",
        "laser_mw = 1 mW, 0 to 1",
        "reference_fraction = 1, 0 to 2",
        "device_time_s = 0 s, 0 to inf, read-only",
    ]
    # One frame each, 1 us, in the order of submission; the last was cancelled in time or not.
    assert lines[4:9] == [f"job {i}: {1000 * i} to {1000 * (i + 1)} ns" for i in range(5)]
    assert lines[9] in ("job 5: cancelled", "job 5: 5000 to 6000 ns")
    done = subprocess.run([str(build / "queue_jobs"), "warp:9"], capture_output=True, check=False)
    assert done.returncode == 1
    assert b"warp:9" in done.stderr
