from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from commons_server import CommonsServer


@pytest.fixture
def commons() -> Iterator[CommonsServer]:
    """A wiki of this machine's, empty, that does as Wikimedia Commons."""
    with CommonsServer() as server:
        yield server


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits of the client, which are noted instead of waited for."""
    noted: list[float] = []

    def sleep(seconds: float) -> None:
        if seconds > 0:
            noted.append(seconds)

    monkeypatch.setattr("opticonv.data.client.time.sleep", sleep)
    return noted
