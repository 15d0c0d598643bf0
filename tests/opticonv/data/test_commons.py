from __future__ import annotations

from typing import Any

import commons_server as wiki
import pytest
from commons_server import CommonsServer

from opticonv.data.client import Etiquette, PoliteClient, ServerOverloadedError
from opticonv.data.commons import Candidate, CommonsSearch, Unusable
from opticonv.errors import CommandError


def _search(server: CommonsServer, width: int | None = 330) -> CommonsSearch:
    etiquette = Etiquette(contact="ada@example.org", pause_s=0.0, attempts=3)
    return CommonsSearch(PoliteClient(etiquette, lambda notice: None), server.api, width)


def _titles(server: CommonsServer, keyword: str = "leaves") -> list[str]:
    return [
        found.origin.title if isinstance(found, Candidate) else found.title
        for found in _search(server).find(keyword)
    ]


def test_a_batch_after_the_other_in_the_order_of_the_search(commons: CommonsServer) -> None:
    for _ in range(7):
        commons.add("leaves")
    commons.add("lion")
    commons.batch = 3
    assert _titles(commons) == [f"File:Picture {number}.jpg" for number in range(7)]
    assert [q.get("gsroffset") for q in commons.api_requests] == [None, "3", "6"]
    assert all(query["maxlag"] == "5" for query in commons.api_requests)
    assert all(query["iiurlwidth"] == "330" for query in commons.api_requests)
    assert all(query["gsrlimit"] == "50" for query in commons.api_requests)
    assert commons.most_open_requests == 1


def test_properties_may_come_in_parts(commons: CommonsServer) -> None:
    for _ in range(5):
        commons.add("leaves")
    commons.batch, commons.split_properties = 2, True
    found = list(_search(commons).find("leaves"))
    assert all(isinstance(candidate, Candidate) for candidate in found)
    assert len(found) == 5
    assert len(commons.api_requests) == 6


def test_a_search_without_results(commons: CommonsServer) -> None:
    assert _titles(commons, "nothing") == []


def test_everything_that_a_licence_asks_for_is_read(commons: CommonsServer) -> None:
    commons.add(
        "leaves",
        size=(1000, 500),
        extmetadata=wiki.licence_fields(
            UsageTerms="Creative Commons Attribution-Share Alike 4.0",
            Attribution="Photo: <b>Ada</b>",
            Restrictions="personality",
            LicenseUrl="//creativecommons.org/licenses/by-sa/4.0",
        ),
    )
    (found,) = _search(commons).find("leaves")
    assert isinstance(found, Candidate)
    assert (found.width, found.height) == (330, 165)
    assert found.url == f"{commons.address}/thumb/images/Picture_0.jpg/330px"
    assert found.original_bytes is None
    origin = found.origin
    assert origin.page_url == f"{commons.address}/wiki/File:Picture_0.jpg"
    assert origin.original_url == f"{commons.address}/images/Picture_0.jpg"
    assert len(origin.original_sha1) == 40
    assert (origin.licence, origin.licence_group) == ("CC BY-SA 4.0", "cc-by-sa")
    assert origin.licence_url == "http://creativecommons.org/licenses/by-sa/4.0"
    assert (origin.author, origin.credit) == ("Ada & Co", "Own work")
    assert origin.attribution == "Photo: Ada"
    assert origin.attribution_required is True
    assert (origin.restrictions, origin.uploader) == ("personality", "Uploader")
    assert origin.usage_terms == "Creative Commons Attribution-Share Alike 4.0"


def test_the_original_where_a_thumbnail_would_be_larger(commons: CommonsServer) -> None:
    file = commons.add("leaves", size=(300, 280))
    (found,) = _search(commons, 500).find("leaves")
    assert isinstance(found, Candidate)
    assert (found.url, found.width, found.height) == (commons.address + file.path, 300, 280)
    assert found.original_bytes == len(file.content)


def test_originals(commons: CommonsServer) -> None:
    file = commons.add("leaves", size=(1000, 500))
    (found,) = _search(commons, None).find("leaves")
    assert isinstance(found, Candidate)
    assert (found.url, found.width) == (commons.address + file.path, 1000)
    assert "iiurlwidth" not in commons.api_requests[0]


@pytest.mark.parametrize(
    "extmetadata",
    [
        [],  # PHP's empty array
        {},
        {"Artist": {"value": "", "source": "x"}, "LicenseShortName": {"value": None}},
        {"Artist": "a string", "License": {"value": 3}, "AttributionRequired": []},
    ],
)
def test_what_the_archive_does_not_say_is_none(commons: CommonsServer, extmetadata: Any) -> None:
    commons.add("leaves", extmetadata=extmetadata)
    (found,) = _search(commons).find("leaves")
    assert isinstance(found, Candidate)
    origin = found.origin
    assert (origin.author, origin.licence, origin.licence_group) == (None, None, "unknown")
    assert origin.attribution_required is None


@pytest.mark.parametrize(
    "info",
    [
        {"sha1": "../../etc/passwd"},
        {"width": 0},
        {"url": None},
        {"size": "many"},
        {"mime": ["image/jpeg"]},
    ],
)
def test_pages_that_tell_nonsense_are_unusable(commons: CommonsServer, info: Any) -> None:
    commons.add("leaves", info=info)
    commons.add("leaves")
    odd, good = _search(commons).find("leaves")
    assert odd == Unusable("File:Picture 0.jpg", "no information on the file")
    assert isinstance(good, Candidate)


@pytest.mark.parametrize(
    "page", [{"pageid": 1, "title": "File:X"}, {"title": "File:X", "imageinfo": ["x"]}, {}]
)
def test_pages_without_a_file_are_unusable(commons: CommonsServer, page: Any) -> None:
    answer = {"batchcomplete": True, "query": {"pages": [page]}}
    commons.api_misbehaviours = [lambda handler: wiki.send_json(handler, answer)]
    (found,) = _search(commons).find("leaves")
    assert isinstance(found, Unusable)


def test_a_lagging_database_is_waited_for(commons: CommonsServer, waits: list[float]) -> None:
    commons.add("leaves")
    lag = "Waiting for db1: 12.3 seconds lagged"
    commons.api_misbehaviours = [
        wiki.error("maxlag", lag, Retry_After="9"),
        wiki.error("maxlag", lag),
    ]
    assert len(_titles(commons)) == 1
    assert waits == [9.0, 5.0]


def test_a_database_that_lags_for_ever(commons: CommonsServer, waits: list[float]) -> None:
    commons.api_misbehaviours = [
        wiki.body(b'{"error": {"code": "maxlag", "info": "lagged"}}', "application/json")
        for _ in range(9)
    ]
    with pytest.raises(ServerOverloadedError, match="after 3 attempts: maxlag: lagged"):
        _titles(commons)


@pytest.mark.parametrize(
    ("misbehave", "complaint"),
    [
        (wiki.error("badvalue", "Unrecognized value"), "badvalue: Unrecognized value"),
        (wiki.body(b"<html>log in</html>", "text/html"), "text/html that is not JSON"),
        (wiki.body(b"\xff\xfe", ""), "something that is not JSON"),
        (wiki.body(b"[]", "application/json"), "not a MediaWiki's"),
        (wiki.body(b'{"other": 1}', "application/json"), "not a MediaWiki's"),
        (wiki.body(b'{"query": {"pages": {"1": {}}}}', "application/json"), "formatversion 2"),
        (wiki.body(b'{"query": []}', "application/json"), "formatversion 2"),
        (wiki.status(403), "status 403"),
    ],
)
def test_what_is_no_answer_is_named_with_its_address(
    commons: CommonsServer, misbehave: wiki.Misbehave, complaint: str
) -> None:
    commons.api_misbehaviours = [misbehave]
    with pytest.raises(CommandError, match=complaint) as caught:
        _titles(commons)
    assert commons.api in str(caught.value)


def test_a_wiki_that_never_gets_further(commons: CommonsServer) -> None:
    answer = {"batchcomplete": True, "continue": {"gsroffset": 50, "continue": "gsroffset||"}}
    commons.api_misbehaviours = [lambda handler: wiki.send_json(handler, answer)] * 9
    with pytest.raises(CommandError, match="round in circles"):
        _titles(commons)
    assert len(commons.api_requests) == 2
