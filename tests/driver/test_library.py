"""The compiled library as a whole: what it exports, and how its errors reach Python."""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
from pathlib import Path

import pytest

from driver import _optical_driver
from driver.errors import UnknownDeviceError, ValueRangeError
from driver.library import check, ffi, lib, struct

HEADERS = Path(__file__).parents[2] / "csrc" / "include"


def test_only_the_interface_is_exported() -> None:
    """Nothing else can be called by mistake, or clash with another library's name."""
    nm = shutil.which("nm")
    if nm is None:
        pytest.skip("nm is not installed")
    listing = subprocess.run(
        [nm, "-D", "--defined-only", _optical_driver.__file__],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    exported = {line.split()[-1] for line in listing.stdout.splitlines()}
    declared = set()
    for header in HEADERS.glob("*.h"):
        declared |= set(re.findall(r"ODEV_API [^;(]*?(odev_\w+)\(", header.read_text()))
    ours = {name for name in exported if name.startswith("odev_")}
    assert ours == declared
    # OpenMP's locks of named critical sections, and what sanitizers add, are not ours to hide.
    others = {n for n in exported - ours if not n.startswith((".gomp", "__asan", "__odr"))}
    assert others == {"PyInit__optical_driver"}


def test_headers_and_bindings_agree() -> None:
    """The bindings are made of the headers when they are built: none is missing, none is stale."""
    types, _, _ = ffi.list_types()
    for header in HEADERS.glob("*.h"):
        public = header.read_text()
        for name in re.findall(r"ODEV_API [^;(]*?(odev_\w+)\(", public):
            assert hasattr(lib, name), name
        for name, value in re.findall(r"\b(ODEV_\w+) = (\d+)\b", public):
            assert getattr(lib, name) == int(value)
        for name, value in re.findall(r"^#define (ODEV_\w+) (\d+)u?$", public, re.M):
            assert getattr(lib, name) == int(value)
        for body, name in re.findall(r"^typedef struct \w+ \{(.*?)^\} (\w+);", public, re.M | re.S):
            code = re.sub(r"/\*.*?\*/|(?<=\))\([^)]*\)", "", body, flags=re.S)  # and arguments
            declared = re.findall(r"(\w+)(?:\[[^]]*\])*\)?(?=\s*[,;])", code)
            assert [field for field, _ in ffi.typeof(name).fields] == declared
            assert name in types


def test_statuses_become_errors_with_the_message() -> None:
    device = ffi.new("odev_device **")
    with pytest.raises(UnknownDeviceError, match="warp:9"):
        check(lib.odev_open(b"warp:9", device))
    with pytest.raises(ValueRangeError, match="1 to 512"):
        check(lib.odev_open(b"null:0", device))
    check(lib.odev_open(b"null:4", device))
    check(lib.odev_close(device[0]))


def test_structs_of_another_size_are_refused() -> None:
    device = ffi.new("odev_device **")
    check(lib.odev_open(b"null:4", device))
    caps = struct("odev_caps")
    check(lib.odev_get_caps(device[0], caps))
    caps.struct_size -= 4
    with pytest.raises(ValueRangeError, match="struct_size"):
        check(lib.odev_get_caps(device[0], caps))
    check(lib.odev_close(device[0]))


def test_messages_belong_to_their_thread() -> None:
    device = ffi.new("odev_device **")
    status = lib.odev_open(b"first:1", device)
    other = threading.Thread(target=lambda: lib.odev_open(b"second:2", ffi.new("odev_device **")))
    other.start()
    other.join()
    with pytest.raises(UnknownDeviceError, match="first:1"):
        check(status)
