from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import opticonv.demo.run
from nn.judging import psnr
from opticonv.demo import samples
from opticonv.demo.samples import SAMPLES, load_photos
from opticonv.demo.trial import run_trial
from opticonv.errors import CommandError

Run = Callable[..., Any]

IDEAL = "emulator:ideal?device__n=32"
FILES = {
    "chelsea.png", "chelsea-2.png", "chelsea_2048.png", "chelsea_2048_closeup.png",
    "report.html", "summary.json", "summary.txt",
}  # fmt: skip


def test_samples_come_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def offline(*_: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("socket.socket.connect", offline)
    photos = load_photos([])
    assert len(photos) == len(SAMPLES)
    assert {tuple(photo.picture.shape) for photo in photos} == {(3, 256, 256)}


def test_photographs_have_names_of_their_own(tmp_path: Path) -> None:
    picture = Image.fromarray(np.full((260, 300, 3), 9, np.uint8))
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        picture.save(tmp_path / folder / "chelsea.jpg")
    photos = load_photos([tmp_path / "a" / "chelsea.jpg", tmp_path / "b" / "chelsea.jpg"])
    assert [photo.name for photo in photos[len(SAMPLES) :]] == ["chelsea-2", "chelsea-3"]


def test_too_small_a_photograph_is_named(photo: Path) -> None:
    with pytest.raises(CommandError, match=r"photo\.png has 20×16 pixels"):
        load_photos([photo])


@pytest.mark.slow
def test_demo(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "SAMPLES", ("chelsea.png",))
    rng = np.random.default_rng(0)
    mine = rng.integers(0, 256, (8, 10, 3), dtype=np.uint8)
    Image.fromarray(mine).resize((320, 256), Image.Resampling.BICUBIC).save("chelsea.jpg")

    def flickering(*arguments: object) -> object:
        warnings.warn("the lamp flickers", stacklevel=1)
        return run_trial(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(opticonv.demo.run, "run_trial", flickering)
    result = run("demo", "chelsea.jpg", "--device", IDEAL, "--output", "out")
    assert result.exit_code == 0, result.stderr
    assert {p.name for p in (tmp_path / "out").iterdir()} == FILES
    assert {p.name for p in tmp_path.iterdir()} == {"chelsea.jpg", "out"}
    assert "warning: the lamp flickers" in result.stderr

    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["calibration"] is None
    assert set(summary["warnings"]) == {"the lamp flickers"}
    pictures = summary["pictures"]
    assert list(pictures) == ["chelsea", "chelsea-2", "chelsea 2048²"]
    for name, picture in pictures.items():
        # Of an ideal device's convolutions, and of pictures that differ by a rounding step at most.
        assert picture["convolution_error"] < 1e-5
        assert picture["optical_vs_electronic_psnr_rgb_db"] > 60
        cost = picture["cost"]
        # 29,100 a pixel; 256² is enlarged in 2×2 windows of 128, each with a rim of 7 inside.
        assert cost["gemm_macs"] == 29_100 * ((2 * 135) ** 2 if "2048" in name else 32**2)
        assert cost["energy_j"] == pytest.approx(cost["device_time_s"] * 84)
    assert summary["total"]["frames"] == sum(p["cost"]["frames"] for p in pictures.values())
    assert len(summary["layer_error"]) == 9

    with Image.open(tmp_path / "out" / "chelsea_2048.png") as large:
        assert large.size == (2048, 2048)
    report = (tmp_path / "out" / "summary.txt").read_text()
    for text in (report, result.stdout):
        assert f"{pictures['chelsea']['quality']['optical']['psnr_rgb_db']:.2f}" in text
        assert "Warning: the lamp flickers" in text
    # Nothing is cut off in a report of its own width.
    assert "…" not in report


def test_the_figures_are_those_of_the_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    from driver import open_device
    from nn import convert_to_optical
    from opticonv.enlarging import load_network
    from opticonv.metering import MeteredDevice

    network = load_network("original")
    photo = load_photos([])[0]
    with open_device(IDEAL) as device:
        meter = MeteredDevice(device, check=True)
        trial = run_trial(photo, network, convert_to_optical(network, meter), meter)
    assert trial.quality is not None
    truth = photo.picture.float() / 255
    for method, quality in trial.quality.items():
        shown = getattr(trial.pictures, method).float() / 255
        assert shown.shape == truth.shape
        assert quality.psnr_rgb_db == psnr(shown, truth)
    # Aligned bicubic goes through the samples; so its error is far below a shifted one's.
    assert np.array_equal(trial.pictures.bicubic[:, 4::8, 4::8], photo.picture[:, 4::8, 4::8])
    assert len(trial.convolutions) == 9
