from __future__ import annotations

import contextlib
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import commons_server as wiki
import pytest
from commons_server import CommonsServer

from opticonv.data.client import (
    Answer,
    Etiquette,
    PoliteClient,
    ServerOverloadedError,
    TransientError,
    UnobtainableError,
)

Notices = list[str]

_QUICK = {"contact": "ada@example.org", "pause_s": 0.0, "bytes_per_s": 1e12}


def _client(notices: Notices | None = None, **changes: Any) -> PoliteClient:
    etiquette = Etiquette(**(_QUICK | changes))
    return PoliteClient(etiquette, (notices if notices is not None else []).append)


def _get(server: CommonsServer, file: wiki.WikiFile, client: PoliteClient | None = None) -> Answer:
    url = server.address + file.path
    return (client or _client()).get(url, None, lambda answer: answer, limit=1_000_000)


def test_it_says_who_asks_and_takes_compressed_answers(commons: CommonsServer) -> None:
    _get(commons, commons.add("x"))
    (agent,) = commons.user_agents
    assert agent.startswith("opticonv/")
    assert "(ada@example.org)" in agent
    assert "requests/" in agent
    assert commons.encodings == ["gzip"]


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504, 408])
def test_a_busy_server_is_asked_again(
    commons: CommonsServer, waits: list[float], code: int
) -> None:
    file = commons.add("x")
    file.misbehaviours = [wiki.status(code), wiki.status(code)]
    notices: Notices = []
    assert _get(commons, file, _client(notices)).content == file.content
    assert file.requests == 3
    first, second = waits
    assert 1 <= first <= 1.25
    assert 2 <= second <= 2.5
    assert all(str(code) in notice and "waiting" in notice for notice in notices)


def test_retry_after_is_obeyed(commons: CommonsServer, waits: list[float]) -> None:
    file = commons.add("x")
    later = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=50), usegmt=True)
    file.misbehaviours = [
        wiki.status(429, Retry_After="7"),
        wiki.status(503, Retry_After=later),
        wiki.status(503, Retry_After="nonsense"),
    ]
    _get(commons, file)
    seconds, date, backoff = waits
    assert seconds == 7.0
    # The date has whole seconds, and some time has passed on the way.
    assert 40 < date <= 50
    assert 4 <= backoff <= 5


def test_a_server_that_wants_hours_is_left_alone(
    commons: CommonsServer, waits: list[float]
) -> None:
    file = commons.add("x")
    file.misbehaviours = [wiki.status(429, Retry_After="3600")]
    with pytest.raises(ServerOverloadedError, match="3600 s: run the same command later"):
        _get(commons, file)
    assert (file.requests, waits) == (1, [])


def test_attempts_are_limited(commons: CommonsServer, waits: list[float]) -> None:
    file = commons.add("x")
    file.misbehaviours = [wiki.status(503) for _ in range(9)]
    with pytest.raises(ServerOverloadedError, match="after 3 attempts: status 503"):
        _get(commons, file, _client(attempts=3))
    assert (file.requests, len(waits)) == (3, 2)
    file.misbehaviours = [wiki.status(500) for _ in range(9)]
    with pytest.raises(UnobtainableError, match=r"status 500 .*\(3 attempts\)"):
        _get(commons, file, _client(attempts=3))


@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 204, 304])
def test_other_refusals_are_final(commons: CommonsServer, waits: list[float], code: int) -> None:
    file = commons.add("x")
    file.misbehaviours = [wiki.status(code)]
    if code in (204, 304):  # these have no body
        file.misbehaviours = [lambda handler: wiki.send(handler, code, b"", "text/html")]
    with pytest.raises(UnobtainableError, match=f"status {code}"):
        _get(commons, file)
    assert (file.requests, waits) == (1, [])


def test_redirects_are_followed_but_not_for_ever(
    commons: CommonsServer, waits: list[float]
) -> None:
    there, lost, odd = commons.add("x"), commons.add("x"), commons.add("x")
    lost.misbehaviours = [wiki.redirect(commons.address + there.path)]
    answer = _get(commons, lost)
    assert answer.content == there.content
    assert answer.url == commons.address + there.path
    lost.misbehaviours = [wiki.redirect(lost.path) for _ in range(20)]
    with pytest.raises(UnobtainableError, match="more than 5 redirects"):
        _get(commons, lost)
    odd.misbehaviours = [wiki.redirect("file:///etc/passwd")]
    with pytest.raises(UnobtainableError, match="cannot be asked for"):
        _get(commons, odd)
    assert waits == []


def test_broken_connections_and_short_answers_are_asked_for_again(
    commons: CommonsServer, waits: list[float]
) -> None:
    file = commons.add("x")
    file.misbehaviours = [
        wiki.reset,
        wiki.body(file.content, length=len(file.content) + 500),
        wiki.body(b"", kind="image/jpeg", length=10),
    ]
    assert _get(commons, file).content == file.content
    assert len(waits) == 3


def test_no_more_is_read_than_the_limit(commons: CommonsServer, waits: list[float]) -> None:
    file = commons.add("x")
    file.misbehaviours = [
        wiki.body(b"", length=2_000_000),  # it is said to be long, and need not be read
        wiki.endless,
    ]
    with pytest.raises(UnobtainableError, match=r"2.0 MB, over the limit of 1.0"):
        _get(commons, file)
    with pytest.raises(UnobtainableError, match=r"over the limit of 1\.0 MB"):
        _get(commons, file)
    assert waits == []


def test_a_compressed_bomb_is_not_unpacked(commons: CommonsServer) -> None:
    commons.api_misbehaviours = [lambda handler: wiki.send_json(handler, "0" * 5_000_000)]
    with pytest.raises(UnobtainableError, match="over the limit"):
        _client().get(commons.api, None, lambda answer: answer, limit=1_000_000)


def test_a_server_that_says_nothing_is_not_waited_for(
    commons: CommonsServer, waits: list[float]
) -> None:
    file = commons.add("x")
    file.misbehaviours = [_hang]
    assert _get(commons, file, _client(silence_s=0.2)).content == file.content
    assert len(waits) == 1


def _hang(handler: Any) -> None:
    handler.connection.settimeout(1.0)
    handler.close_connection = True
    with contextlib.suppress(OSError):
        handler.rfile.read(1)  # until the client has gone


def test_nobody_there(waits: list[float]) -> None:
    with pytest.raises(UnobtainableError, match="connection failed: Connection refused"):
        _client(attempts=2).get("http://127.0.0.1:9/", None, lambda a: a, limit=1)
    assert len(waits) == 1


@pytest.mark.parametrize("url", ["http://", "nonsense", "http://[::1/x", "gopher://x.org/"])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(UnobtainableError):
        _client().get(url, None, lambda a: a, limit=1)


def test_what_is_read_may_be_found_wanting(commons: CommonsServer, waits: list[float]) -> None:
    file, seen = commons.add("x"), []

    def read(answer: Answer) -> int:
        seen.append(answer.kind)
        if len(seen) < 3:
            raise TransientError("half of it", 5.0)
        return len(answer.content)

    assert _client().get(commons.address + file.path, None, read, limit=10**6) == len(file.content)
    assert seen == ["image/jpeg"] * 3
    assert waits == [5.0, 5.0]


def test_pauses_and_bandwidth(commons: CommonsServer, waits: list[float]) -> None:
    file = commons.add("x")
    client = _client(pause_s=2.0)
    _get(commons, file, client)
    assert waits == []
    _get(commons, file, client)
    (pause,) = waits
    assert 1.9 < pause <= 2.0
    slow = _client(pause_s=0.0, bytes_per_s=len(file.content) / 100.0)
    _get(commons, file, slow)
    _get(commons, file, slow)
    # 100 s less the time that the request itself took.
    assert 90 < waits[-1] <= 100
