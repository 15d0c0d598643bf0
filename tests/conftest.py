"""What holds for every test."""

from __future__ import annotations

import os

import pytest


def pytest_configure() -> None:
    """`make sanitize` says that it runs an instrumented build: whether it does."""
    if "ODEV_EXPECT_SANITIZERS" not in os.environ:
        return
    import driver
    from driver.library import lib

    if lib.odev_canary(b"none") == lib.ODEV_ERR_CAPABILITY:
        raise pytest.UsageError(
            f"ODEV_EXPECT_SANITIZERS is set, but {driver.__file__} is a build without sanitizers"
        )
