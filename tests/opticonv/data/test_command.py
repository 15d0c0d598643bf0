from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import commons_server as wiki
import pytest
from commons_server import CommonsServer

from opticonv.data.contact import CONTACT_VARIABLE
from opticonv.errors import FAILED, INTERRUPTED, MISUSED

Run = Callable[..., Any]

FETCH = ("data", "fetch", "leaves", "--out", "pictures", "--contact", "ada@example.org")


@pytest.fixture(autouse=True)
def _no_contact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(CONTACT_VARIABLE, raising=False)


@pytest.mark.parametrize(
    ("arguments", "status", "culprit"),
    [
        (("data", "fetch", "leaves", "--out", "pictures"), FAILED, "--contact"),
        (("data", "fetch", "leaves", "--out", "pictures", "--contact", "me"), FAILED, "'me'"),
        (("data", "fetch", "--out", "pictures"), MISUSED, "keywords"),
        (("data", "fetch", "leaves"), MISUSED, "--out"),
        ((*FETCH, " "), FAILED, "keyword ' '"),
        ((*FETCH, "--count", "0"), MISUSED, "--count"),
        ((*FETCH, "--count", "many"), MISUSED, "--count"),
        ((*FETCH, "--width", "800"), FAILED, "330, 500, 960, 1280, 1920, 3840"),
        ((*FETCH, "--width", "250"), FAILED, "--width 250"),
        ((*FETCH, "--licence", "free"), FAILED, "'free'"),
        ((*FETCH, "--pause", "-1"), MISUSED, "--pause"),
        ((*FETCH, "--pause", "nan"), MISUSED, "--pause"),
        ((*FETCH, "--max-mb", "inf"), MISUSED, "--max-mb"),
        ((*FETCH, "--api", "commons"), FAILED, "--api commons"),
        ((*FETCH, "--api", "ftp://x.org/api.php"), FAILED, "ftp"),
        ((*FETCH, "--api", "http://[x/api.php"), FAILED, "http://[x/api.php"),
        (("data", "ingest", "none", "--out", "out"), FAILED, "none"),
        (("data", "ingest", "photo.png", "--out", "out"), FAILED, "photo.png"),
        (("data", "ingest", "folder"), MISUSED, "--out"),
        (("data", "ingest", "folder", "--out", "folder"), FAILED, "elsewhere"),
        (("data", "ingest", "folder", "--out", "photo.png"), FAILED, "photo.png is a file"),
        (("data", "ingest", "folder", "--out", "out", "--threads", "0"), MISUSED, "--threads"),
        (("data", "show", "none"), FAILED, "none"),
        (("data", "show", "folder"), FAILED, "manifest.jsonl"),
        (("data", "feed"), MISUSED, "feed"),
    ],
)
def test_every_refusal_is_one_line_that_names_the_culprit(
    run: Run, tmp_path: Path, photo: Path, arguments: tuple[str, ...], status: int, culprit: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "picture.jpg").write_bytes(wiki.jpeg(1))
    before = {path: path.is_dir() or path.read_bytes() for path in tmp_path.rglob("*")}
    result = run(*arguments)
    assert result.exit_code == status
    assert culprit in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert {p: p.is_dir() or p.read_bytes() for p in tmp_path.rglob("*")} == before


def test_help_without_a_command(run: Run) -> None:
    result = run("data")
    assert result.exit_code == 0
    for name in ("fetch", "ingest", "show"):
        assert name in result.stdout


def test_from_the_archive_to_training_pictures(
    run: Run, commons: CommonsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        commons.add("citrus fruit", size=(700, 500))
    commons.add("citrus fruit", extmetadata=wiki.licence_fields("GFDL"))
    monkeypatch.setenv(CONTACT_VARIABLE, "https://example.org/ada")
    fetch = ("data", "fetch", "citrus  fruit", "--out", "pictures", "--api", commons.api)
    quick = ("--pause", "0", "--count", "9")
    result = run(*fetch, *quick, "--dry-run")
    assert result.exit_code == 0
    assert "4 pictures to fetch" in result.stdout
    assert not (tmp_path / "pictures").exists()
    result = run(*fetch, *quick, "--width", "500")
    assert result.exit_code == 0
    assert "4 new pictures" in result.stdout
    assert "not enough for: citrus fruit" in result.stdout
    assert any(line.split() == ["licence:", "GFDL", "1"] for line in result.stdout.splitlines())
    assert all("https://example.org/ada" in agent for agent in commons.user_agents)
    result = run("data", "ingest", "pictures", "--out", "photos")
    assert result.exit_code == 0
    assert "4 new pictures in photos" in result.stdout
    result = run("data", "show", "photos")
    assert result.exit_code == 0
    assert any(line.split() == ["citrus", "fruit", "4"] for line in result.stdout.splitlines())
    assert "Ada" in (tmp_path / "photos" / "ATTRIBUTION.md").read_text()


def test_what_was_done_is_told_when_the_server_gives_up(run: Run, commons: CommonsServer) -> None:
    commons.add("leaves")
    commons.add("leaves").misbehaviours = [wiki.status(429, Retry_After="7200")]
    result = run(*FETCH, "--api", commons.api, "--pause", "0")
    assert result.exit_code == FAILED
    assert "1 new picture," in result.stdout
    assert "7200 s: run the same command later" in result.stderr


def test_a_folder_without_a_usable_picture_fails_and_says_why(run: Run, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "x.jpg").write_bytes(b"no")
    result = run("data", "ingest", "folder", "--out", "out")
    assert result.exit_code == FAILED
    assert "no picture in folder can be used" in result.stderr
    assert "not a picture" in result.stdout
    assert (tmp_path / "out" / "ingest.json").is_file()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_ended_in_the_middle_is_gone_on_with(
    commons: CommonsServer, tmp_path: Path, number: signal.Signals
) -> None:
    for _ in range(5):
        commons.add("leaves")
    reached = threading.Event()

    def stall(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", "image/jpeg")
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        handler.wfile.write(commons.files[3].content[:5000])
        reached.set()
        handler.connection.settimeout(30)
        handler.rfile.read(1)

    commons.files[3].misbehaviours = [stall]
    command = [sys.executable, "-m", "opticonv", *FETCH, "--api", commons.api, "--pause", "0"]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert reached.wait(60)
    process.send_signal(number)
    stdout, stderr = process.communicate(timeout=60)
    if number == signal.SIGINT:
        assert process.returncode == INTERRUPTED
        assert stderr.rstrip().endswith("error: interrupted")
        assert "3 new pictures" in stdout
    assert len(list((tmp_path / "pictures").glob("*.jpg"))) == 3
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert again.returncode == 0
    assert "2 new pictures" in again.stdout
    assert [file.requests for file in commons.files] == [1, 1, 1, 2, 1]
    assert os.listdir(tmp_path) == ["pictures"]
