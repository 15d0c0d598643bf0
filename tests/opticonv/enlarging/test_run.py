from __future__ import annotations

import tracemalloc
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from driver import Device
from opticonv.enlarging import run as running
from opticonv.enlarging.account import Account
from opticonv.enlarging.jobs import Job, jobs_for_folder
from opticonv.enlarging.picture import Codes
from opticonv.enlarging.reading import read
from opticonv.enlarging.run import Settings, run_jobs
from opticonv.errors import CommandError


class Repeated(nn.Module):
    """Every pixel 64 times: a network in nothing but what tiling asks of it."""

    scale = 8
    halo = 1

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        return input.repeat_interleave(8, 2).repeat_interleave(8, 3)


def _no_light() -> AbstractContextManager[Device]:
    raise AssertionError("a device was opened")


def _run(jobs: list[Job], account: Account, **options: object) -> None:
    settings = options.pop("settings", Settings())
    run_jobs(jobs, Repeated(), settings, account, open_optics=_no_light, **options)  # type: ignore[arg-type]


@pytest.fixture
def photographs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in").mkdir()
    rng = np.random.default_rng(0)
    for name in ("a", "b", "c"):
        Image.fromarray(rng.integers(0, 256, (5, 4, 3), np.uint8)).save(tmp_path / f"in/{name}.png")
    return tmp_path


def _jobs(**options: object) -> list[Job]:
    return jobs_for_folder([Path("in")], Path("out"), ["electronic"], **options)  # type: ignore[arg-type]


def test_what_is_done_is_skipped_until_told_otherwise(photographs: Path) -> None:
    account = Account()
    _run(_jobs(), account)
    assert len(account.done) == 3
    (photographs / "out/b.png").write_text("finished before")
    _run(_jobs(), again := Account())
    assert (len(again.done), len(again.skipped)) == (0, 3)
    assert (photographs / "out/b.png").read_text() == "finished before"
    _run(_jobs(), again := Account(), overwrite=True)
    assert len(again.done) == 3
    assert "3 written; electronic" in again.summary()


def test_a_damaged_picture_is_left_out(photographs: Path) -> None:
    whole = (photographs / "in/b.png").read_bytes()
    (photographs / "in/b.png").write_bytes(whole[:-40])
    (photographs / "in/c.png").write_bytes(b"")
    _run(_jobs(), account := Account())
    assert [done.job.source.name for done in account.done] == ["a.png"]
    assert sorted(job.source.name for job in account.failed) == ["b.png", "c.png"]
    with pytest.raises(CommandError, match=r"[bc]\.png"):
        _run(_jobs(), Account(), strict=True)


def test_interrupted_it_keeps_what_is_done_and_goes_on_there(
    photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = running.enlarged_bands, []

    def impatient(*arguments: object, **options: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(running, "enlarged_bands", impatient)
    with pytest.raises(KeyboardInterrupt):
        _run(_jobs(), account := Account())
    assert len(account.done) == 1
    assert [path.name for path in (photographs / "out").iterdir()] == ["a.png"]
    _run(_jobs(), account := Account())
    assert (len(account.done), len(account.skipped)) == (2, 1)


def test_too_large_for_the_format_is_told_before_any_light(tmp_path: Path) -> None:
    Image.new("L", (2048, 1)).save(tmp_path / "a.png")
    job = Job(tmp_path / "a.png", "optical", tmp_path / "a.webp")
    with pytest.raises(CommandError, match=r"16384×8 pixels.*at most 16383"):
        _run([job], Account(), strict=True)


@pytest.mark.parametrize(
    ("suffix", "mode", "bits"),
    [(".png", "RGBA", 8), (".jpg", "RGB", 8), (".tif", "RGBA", 8), (".webp", "RGBA", 8)],
)
def test_opacity_where_the_format_holds_it(
    tmp_path: Path, suffix: str, mode: str, bits: int
) -> None:
    Image.new("RGBA", (3, 2), (10, 20, 30, 128)).save(tmp_path / "a.png")
    _run([Job(tmp_path / "a.png", "electronic", tmp_path / f"b{suffix}")], Account())
    with Image.open(tmp_path / f"b{suffix}") as result:
        assert (result.mode, result.size) == (mode, (24, 16))
        if mode == "RGB":
            # 128/255 of the colour, the rest white; JPEG is exact to a step or two on a plane.
            assert np.abs(np.array(result.getpixel((9, 9))) - [132, 137, 142]).max() <= 2


@pytest.mark.parametrize("match", [False, True])
@pytest.mark.parametrize(("suffix", "kind"), [(".png", np.uint16), (".jpg", np.uint8)])
def test_sixteen_bits_where_the_format_holds_them(
    tmp_path: Path, suffix: str, kind: type, match: bool
) -> None:
    values = np.arange(12, dtype=np.uint16).reshape(3, 4) * 5000
    Image.fromarray(values).save(tmp_path / "a.png")
    job = Job(tmp_path / "a.png", "electronic", tmp_path / f"b{suffix}")
    _run([job], Account(), settings=Settings(match_histogram=match))
    colour = read(job.target).colour
    assert (colour.dtype, colour.shape) == (kind, (24, 32, 1))
    if kind is np.uint16:
        assert np.array_equal(colour[4::8, 4::8, 0], values)


def test_a_large_picture_never_lies_in_memory_whole(tmp_path: Path) -> None:
    """Rows are written as they come: the peak is that of a row of windows, not of the result."""
    Image.new("RGB", (64, 1024)).save(tmp_path / "a.png")
    size = 3 * 8 * 64 * 8 * 1024
    for suffix in (".png", ".jpg", ".tif"):
        job = Job(tmp_path / "a.png", "electronic", tmp_path / f"b{suffix}")
        tracemalloc.start()  # counts NumPy's memory, not torch's
        _run([job], Account(), settings=Settings(tile=16))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        # 512 rows of a JPEG strip are 1/16 of the picture, twice while they are gathered; the
        # decoded input is 1/64.
        assert peak < size / 4


def test_bands_are_the_windows_side_by_side(tmp_path: Path) -> None:
    colour: Codes = np.random.default_rng(1).integers(0, 256, (20, 21, 3), np.uint8)
    Image.fromarray(colour).save(tmp_path / "a.png")
    pixels: list[float] = []
    observer = running.Observer()
    observer.advances = pixels.append  # type: ignore[method-assign]
    job = Job(tmp_path / "a.png", "electronic", tmp_path / "b.png")
    _run([job], Account(), settings=Settings(tile=8), observer=observer)
    assert np.array_equal(read(job.target).colour, colour.repeat(8, 0).repeat(8, 1))
    assert sum(pixels) == 20 * 21
