"""A local HTTP server that speaks the part of MediaWiki's API that a search for files needs.

Written from www.mediawiki.org/wiki/API:Search, API:Imageinfo, API:Continue, Manual:Maxlag_parameter
and Extension:CommonsMetadata.  Each file, and each request to the API, may be told to go wrong.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
from PIL import Image

Handler = BaseHTTPRequestHandler
Misbehave = Callable[[Handler], None]
"""Answers a request by itself."""

STEPS = (20, 40, 60, 120, 250, 330, 500, 960, 1280, 1920, 3840)


def jpeg(seed: int, size: tuple[int, int] = (400, 300), mode: str = "RGB") -> bytes:
    """A JPEG file of a smooth random picture of (width, height)."""
    rough = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    buffer = BytesIO()
    Image.fromarray(rough).resize(size).convert(mode).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def scaled(content: bytes, width: int) -> bytes:
    with Image.open(BytesIO(content)) as picture:
        height = max(1, round(picture.height * width / picture.width))
        buffer = BytesIO()
        picture.resize((width, height)).save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


@dataclass
class WikiFile:
    """A file of the wiki."""

    title: str
    content: bytes
    keywords: tuple[str, ...]
    extmetadata: dict[str, Any]
    mime: str = "image/jpeg"
    size: tuple[int, int] = (0, 0)
    #: One for each request to come, in order; then the file is served.
    misbehaviours: list[Misbehave] = field(default_factory=list)
    #: Changes to what the API tells of it.
    info: dict[str, Any] = field(default_factory=dict)
    requests: int = 0

    @property
    def path(self) -> str:
        return "/images/" + self.title.removeprefix("File:").replace(" ", "_")


def licence_fields(short: str = "CC BY-SA 4.0", **more: str) -> dict[str, Any]:
    """extmetadata as the CommonsMetadata extension gives it."""
    values = {
        "LicenseShortName": short,
        "License": short.lower().replace(" ", "-"),
        "LicenseUrl": "https://creativecommons.org/licenses/by-sa/4.0",
        "Artist": '<a href="//commons.example/wiki/User:Ada" title="User:Ada">Ada &amp; Co</a>',
        "Credit": '<span class="int-own-work" lang="en">Own work</span>',
        "AttributionRequired": "true",
    }
    return {
        name: {"value": value, "source": "commons-desc-page"}
        for name, value in (values | more).items()
        if value
    }


class _QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Connections that a test breaks are no news."""


class CommonsServer:
    """Serves its `files` on a free port of this machine."""

    def __init__(self) -> None:
        self.files: list[WikiFile] = []
        self.batch: int | None = None
        self.split_properties = False
        self.api_misbehaviours: list[Misbehave] = []
        self.api_requests: list[dict[str, str]] = []
        self.user_agents: list[str] = []
        self.encodings: list[str] = []
        self.open_requests = self.most_open_requests = 0
        self._lock = threading.Lock()
        server = self

        class _Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server._serve(self)

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self._http = _QuietServer(("127.0.0.1", 0), _Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )

    def __enter__(self) -> CommonsServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    @property
    def api(self) -> str:
        return f"{self.address}/w/api.php"

    def add(
        self,
        *keywords: str,
        seed: int | None = None,
        size: tuple[int, int] = (400, 300),
        title: str | None = None,
        extmetadata: Any = None,
        **more: Any,
    ) -> WikiFile:
        """Add a file that searches for `keywords` find."""
        seed = len(self.files) if seed is None else seed
        file = WikiFile(
            title or f"File:Picture {len(self.files)}.jpg",
            more.pop("content", None) or jpeg(seed, size),
            keywords,
            licence_fields() if extmetadata is None else extmetadata,
            size=size,
            **more,
        )
        self.files.append(file)
        return file

    def _serve(self, handler: Handler) -> None:
        with self._lock:
            self.open_requests += 1
            self.most_open_requests = max(self.most_open_requests, self.open_requests)
            self.user_agents.append(handler.headers.get("User-Agent", ""))
            self.encodings.append(handler.headers.get("Accept-Encoding", ""))
        try:
            path = urlsplit(handler.path)
            if path.path == "/w/api.php":
                self._serve_api(handler, {k: v[0] for k, v in parse_qs(path.query).items()})
            else:
                self._serve_file(handler, path.path)
        finally:
            with self._lock:
                self.open_requests -= 1

    def _serve_api(self, handler: Handler, query: dict[str, str]) -> None:
        self.api_requests.append(query)
        if self.api_misbehaviours:
            self.api_misbehaviours.pop(0)(handler)
            return
        send_json(handler, self._search(query))

    def _search(self, query: dict[str, str]) -> dict[str, Any]:
        assert query["action"] == "query"
        assert query["generator"] == "search"
        assert query["prop"] == "imageinfo"
        assert (query["format"], query["formatversion"]) == ("json", "2")
        assert query["gsrnamespace"] == "6"
        keyword = query["gsrsearch"].removesuffix(" filemime:image/jpeg")
        hits = [file for file in self.files if keyword in file.keywords]
        offset, limit = int(query.get("gsroffset", 0)), int(query["gsrlimit"])
        limit = min(limit, self.batch or 50)
        batch = hits[offset : offset + limit]
        answer: dict[str, Any] = {"batchcomplete": True}
        if offset + limit < len(hits):
            answer["continue"] = {"gsroffset": offset + limit, "continue": "gsroffset||"}
        if batch:
            pages = [self._page(file, query, offset + n + 1) for n, file in enumerate(batch)]
            answer["query"] = {"pages": sorted(pages, key=lambda page: page["pageid"])}
        if self.split_properties and batch:
            # The second half of the properties comes with a second request for the same batch.
            done = "iicontinue" in query
            for number, page in enumerate(answer["query"]["pages"]):
                if (number % 2 == 1) is not done:
                    del page["imageinfo"]
            if not done:
                del answer["batchcomplete"]
                answer["continue"] = {"iicontinue": "more", "continue": "||"}
                if offset:
                    answer["continue"]["gsroffset"] = offset
        return answer

    def _page(self, file: WikiFile, query: dict[str, str], index: int) -> dict[str, Any]:
        width, height = file.size
        url = self.address + file.path
        info: dict[str, Any] = {
            "user": "Uploader",
            "size": len(file.content),
            "width": width,
            "height": height,
            "url": url,
            "descriptionurl": f"{self.address}/wiki/{file.title.replace(' ', '_')}",
            "sha1": hashlib.sha1(file.content).hexdigest(),
            "mime": file.mime,
            "extmetadata": file.extmetadata,
        }
        if "iiurlwidth" in query:
            wanted = int(query["iiurlwidth"])
            if wanted < width:
                info["thumburl"] = f"{self.address}/thumb{file.path}/{wanted}px"
                info["thumbwidth"], info["thumbheight"] = wanted, round(height * wanted / width)
            else:
                info["thumburl"], info["thumbwidth"], info["thumbheight"] = url, width, height
        info |= file.info
        return {
            "pageid": 1000 - index,  # so that order by page is not the order of the search
            "ns": 6,
            "title": file.title,
            "index": index,
            "imageinfo": [info],
        }

    def _serve_file(self, handler: Handler, path: str) -> None:
        thumb = path.startswith("/thumb/")
        width = int(path.rpartition("/")[2].removesuffix("px")) if thumb else 0
        place = path.removeprefix("/thumb").rpartition("/")[0] if thumb else path
        file = next((file for file in self.files if file.path == place), None)
        if file is None:
            send(handler, 404, b"<html>no such file</html>", "text/html")
            return
        file.requests += 1
        if file.misbehaviours:
            file.misbehaviours.pop(0)(handler)
        elif thumb and width not in STEPS:
            send(handler, 429, b"<html>Use thumbnail steps</html>", "text/html")
        else:
            send(handler, 200, scaled(file.content, width) if thumb else file.content, file.mime)


def send(
    handler: Handler,
    status: int,
    body: bytes,
    kind: str,
    headers: dict[str, str] | None = None,
    *,
    length: int | None = None,
) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    for name, value in (headers or {}).items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)
    if length is not None:
        handler.close_connection = True


def send_json(handler: Handler, content: Any, headers: dict[str, str] | None = None) -> None:
    body = json.dumps(content).encode()
    more = dict(headers or {})
    if "gzip" in handler.headers.get("Accept-Encoding", ""):
        body, more["Content-Encoding"] = gzip.compress(body), "gzip"
    send(handler, 200, body, "application/json; charset=utf-8", more)


def status(code: int, **headers: str) -> Misbehave:
    """Answer with a status; underscores in names of headers stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: send(handler, code, b"<html>no</html>", "text/html", named)


def body(content: bytes, kind: str = "image/jpeg", length: int | None = None) -> Misbehave:
    """Answer with other content, and maybe a wrong length."""
    return lambda handler: send(handler, 200, content, kind, length=length)


def error(code: str, info: str, **headers: str) -> Misbehave:
    """Answer with an error of the API, whose status is 200."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: send_json(handler, {"error": {"code": code, "info": info}}, named)


def redirect(to: str) -> Misbehave:
    return lambda handler: send(handler, 302, b"", "text/html", {"Location": to})


def reset(handler: Handler) -> None:
    """Break the connection in the middle of an answer."""
    handler.send_response(200)
    handler.send_header("Content-Type", "image/jpeg")
    handler.send_header("Content-Length", "100000")
    handler.end_headers()
    handler.wfile.write(b"\xff\xd8\xff" + bytes(1000))
    handler.wfile.flush()
    # Closing with a linger time of none sends a reset instead of an end.
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def endless(handler: Handler) -> None:
    """Send a body that never ends, without saying how long it will be."""
    handler.send_response(200)
    handler.send_header("Content-Type", "image/jpeg")
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.close_connection = True
    try:
        while True:
            handler.wfile.write(bytes(1 << 16))
    except OSError:
        pass
