"""An HTTP client that a server's operators need not mind.

One request at a time, a pause after each, a name and a contact in every one, compressed answers,
and no more bytes a second than asked for; a server that is overloaded is left alone for as long as
it wants.  Nothing is read that is longer than expected, and nothing is waited for for ever.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from typing import TypeVar
from urllib.parse import urlsplit

import requests
from requests import exceptions

from opticonv.data.waiting import backoff_s, retry_after_s
from opticonv.errors import CommandError

__all__ = [
    "Answer",
    "Etiquette",
    "PoliteClient",
    "ServerOverloadedError",
    "TransientError",
    "UnobtainableError",
]

_CHUNK = 1 << 16
_REDIRECTS = 5
_OVERLOADED = frozenset({429, 503})
_TRANSIENT = frozenset({408, 500, 502, 504})

Read = TypeVar("Read")


class UnobtainableError(Exception):
    """This address will not give what is wanted; others may."""


class ServerOverloadedError(CommandError):
    """The server wants to be left alone for longer than this run will wait."""


class TransientError(Exception):
    """What came is not what was asked for, but may be next time.

    Parameters
    ----------
    reason : str
    wait_s : float or None
        What the server asks for.
    overloaded : bool
        The server's trouble, not this address's.
    """

    def __init__(
        self, reason: str, wait_s: float | None = None, *, overloaded: bool = False
    ) -> None:
        super().__init__(reason)
        self.wait_s = wait_s
        self.overloaded = overloaded


@dataclass(frozen=True)
class Etiquette:
    """How a server is treated.

    Attributes
    ----------
    contact : str
        Where its operators reach whoever runs this: an e-mail address or a web page.
    pause_s : float
        From the end of one request to the next.
    bytes_per_s : float
        Pauses are made longer so that the mean stays below.
    attempts : int
        For one address.
    patience_s : float
        The longest wait that a server may ask for before the run ends.
    connect_s, silence_s, request_s : float
        To connect, between two pieces of an answer, and for all of it.
    """

    contact: str
    pause_s: float = 1.0
    bytes_per_s: float = 3e6
    attempts: int = 5
    patience_s: float = 300.0
    connect_s: float = 10.0
    silence_s: float = 30.0
    request_s: float = 300.0

    @property
    def user_agent(self) -> str:
        """Program, contact, library: the form that Wikimedia's policy asks for."""
        return (
            f"opticonv/{version('opticonv')} ({self.contact}) "
            f"requests/{version('requests')} Python/{platform.python_version()}"
        )


@dataclass(frozen=True)
class Answer:
    """What a server sent with status 200.

    Attributes
    ----------
    url : str
        After redirects.
    kind : str
        Media type in lower case, without parameters; empty if none was given.
    content : bytes
        Decompressed.
    retry_after_s : float or None
    """

    url: str
    kind: str
    content: bytes
    retry_after_s: float | None


class PoliteClient:
    """Asks one thing after another.

    Parameters
    ----------
    etiquette : Etiquette
    notice : callable
        Is told, in a sentence, why there is a wait.
    """

    def __init__(self, etiquette: Etiquette, notice: Callable[[str], None]) -> None:
        self._etiquette = etiquette
        self._notice = notice
        self._session = requests.Session()
        self._session.max_redirects = _REDIRECTS
        self._session.headers["User-Agent"] = etiquette.user_agent
        self._session.headers["Accept-Encoding"] = "gzip"
        self._free_at = -float("inf")

    def close(self) -> None:
        self._session.close()

    def get(
        self,
        url: str,
        params: Mapping[str, str | int] | None,
        read: Callable[[Answer], Read],
        *,
        limit: int,
    ) -> Read:
        """What `read` makes of the answer, as often as it takes.

        Parameters
        ----------
        url : str
        params : mapping or None
            The query.
        read : callable
            Raises `TransientError` at an answer that is not good, `UnobtainableError` at one that
            will not be.
        limit : int
            Bytes, decompressed, beyond which an answer is not read.

        Raises
        ------
        UnobtainableError
            Not here, or not after `Etiquette.attempts`.
        ServerOverloadedError
            Not now.
        """
        failures = 0
        while True:
            try:
                return read(self._ask(url, params, limit))
            except TransientError as failure:
                failures += 1
                self._give_up_or_wait(urlsplit(url).netloc, failure, failures)

    def _give_up_or_wait(self, host: str, failure: TransientError, failures: int) -> None:
        wait = max(failure.wait_s or 0.0, backoff_s(failures))
        later = "run the same command later, it goes on where it stopped"
        if wait > self._etiquette.patience_s:
            raise ServerOverloadedError(f"{host} asks to be left alone for {wait:.0f} s: {later}")
        if failures >= self._etiquette.attempts:
            if failure.overloaded:
                raise ServerOverloadedError(
                    f"{host}, after {failures} attempts: {failure}; {later}"
                )
            raise UnobtainableError(f"{failure} ({failures} attempts)")
        self._notice(f"{host}: {failure}; waiting {wait:.0f} s")
        time.sleep(wait)

    def _ask(self, url: str, params: Mapping[str, str | int] | None, limit: int) -> Answer:
        time.sleep(max(0.0, self._free_at - time.monotonic()))
        begin, received = time.monotonic(), 0
        try:
            with self._session.get(
                url,
                params=params,
                stream=True,
                timeout=(self._etiquette.connect_s, self._etiquette.silence_s),
            ) as response:
                asked = retry_after_s(
                    response.headers.get("Retry-After"), datetime.now(timezone.utc)
                )
                _check_status(response, asked)
                content = self._content(response, limit, begin)
                received = len(content)
                kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
                return Answer(response.url, kind, content, asked)
        except exceptions.TooManyRedirects:
            raise UnobtainableError(f"more than {_REDIRECTS} redirects") from None
        except exceptions.SSLError as error:
            raise UnobtainableError(f"its certificate is not accepted: {_cause(error)}") from None
        except exceptions.Timeout:
            raise TransientError("no answer in time") from None
        except (
            exceptions.ConnectionError,
            exceptions.ChunkedEncodingError,
            exceptions.ContentDecodingError,
        ) as error:
            raise TransientError(f"the connection failed: {_cause(error)}") from None
        except (exceptions.RequestException, UnicodeError) as error:
            raise UnobtainableError(f"it cannot be asked for: {_cause(error)}") from None
        finally:
            end = time.monotonic()
            busy = received / self._etiquette.bytes_per_s - (end - begin)
            self._free_at = end + max(self._etiquette.pause_s, busy)

    def _content(self, response: requests.Response, limit: int, begin: float) -> bytes:
        stated = response.headers.get("Content-Length", "")
        if stated.isdecimal() and int(stated) > limit:
            raise UnobtainableError(
                f"{int(stated) / 1e6:.1f} MB, over the limit of {limit / 1e6:.1f}"
            )
        pieces, size = [], 0
        for piece in response.iter_content(_CHUNK):
            size += len(piece)
            if size > limit:
                raise UnobtainableError(f"over the limit of {limit / 1e6:.1f} MB")
            if time.monotonic() - begin > self._etiquette.request_s:
                raise TransientError(f"not complete after {self._etiquette.request_s:.0f} s")
            pieces.append(piece)
        return b"".join(pieces)


def _check_status(response: requests.Response, asked: float | None) -> None:
    status = response.status_code
    if status == 200:
        return
    told = f"status {status} {response.reason or ''}".strip()
    if status in _OVERLOADED:
        raise TransientError(told, asked, overloaded=True)
    if status in _TRANSIENT:
        raise TransientError(told, asked)
    raise UnobtainableError(told)


def _cause(error: BaseException) -> str:
    """The innermost reason, without the addresses of objects that libraries print with it."""
    inner = error
    while True:
        reasons = [getattr(inner, "reason", None), *inner.args, inner.__cause__]
        deeper = next((r for r in reasons if isinstance(r, BaseException) and r is not inner), None)
        if deeper is None:
            break
        inner = deeper
    return (
        getattr(inner, "strerror", None) or str(inner).rpartition(">: ")[2] or type(inner).__name__
    )
