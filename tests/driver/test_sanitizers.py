"""That the sanitized builds are sanitized: each has to find the fault planted for it.

``make sanitize`` runs the suite with ODEV_EXPECT_SANITIZERS set, on an instrumented extension; the
C programs are built here with each sanitizer and must pass, canaries included.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from c_build import build_c, run, tool

import driver
from driver.errors import CapabilityError
from driver.library import check, lib

EXPECTED = "ODEV_EXPECT_SANITIZERS" in os.environ


@pytest.mark.skipif(EXPECTED, reason="this build is sanitized")
def test_a_normal_build_commits_no_faults() -> None:
    with pytest.raises(CapabilityError):
        check(lib.odev_canary(b"address"))


@pytest.mark.skipif(EXPECTED, reason="this build is sanitized")
def test_a_normal_build_is_refused_where_a_sanitized_one_is_expected() -> None:
    """The suite never passes because it runs the wrong build."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", __file__],
        env={**os.environ, "ODEV_EXPECT_SANITIZERS": "1"},
        cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "is a build without sanitizers" in done.stderr


@pytest.mark.skipif(not EXPECTED, reason="make sanitize runs this")
@pytest.mark.parametrize(
    ("fault", "finding"),
    [
        ("address", "AddressSanitizer: heap-buffer-overflow"),
        ("undefined", "runtime error: signed integer overflow"),
    ],
)
def test_the_extension_s_sanitizers_find_the_planted_fault(fault: str, finding: str) -> None:
    script = f"from driver.library import lib; lib.odev_canary(b'{fault}')"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(driver.__file__).parents[1], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert finding in done.stderr


@pytest.mark.slow
@pytest.mark.skipif(EXPECTED, reason="make sanitize does this itself")
@pytest.mark.parametrize(("sanitizers", "openmp"), [("thread", "OFF"), ("address,undefined", "ON")])
def test_the_c_tests_pass_and_the_canaries_are_seen(
    tmp_path: Path, sanitizers: str, openmp: str
) -> None:
    options = (f"-DODEV_SANITIZE={sanitizers}", f"-DODEV_OPENMP={openmp}", "-DODEV_BASELINE=ON")
    folder = build_c(tmp_path, *options)
    told = run(tool("ctest"), "--test-dir", str(folder), "--output-on-failure")
    for sanitizer in sanitizers.split(","):
        assert f"canary_{sanitizer}" in told
