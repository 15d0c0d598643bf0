from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from driver import open_device
from nn import SuperResolutionModel

Run = Callable[..., Any]

IDEAL = "emulator:ideal?device__n=32"
LAB = "emulator:lab?device__n=11"


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture).astype(int)


def _expected(photo: Path) -> np.ndarray:
    """What the network makes of the picture, as a file holds it."""
    small = torch.tensor(_pixels(photo)).permute(2, 0, 1)[None].float() / 255
    with torch.no_grad():
        output = SuperResolutionModel.from_pretrained()(small)[0]
    return (output.clamp(0, 1) * 255).round().permute(1, 2, 0).numpy().astype(int)


def test_electronic(run: Run, tmp_path: Path, photo: Path) -> None:
    result = run("upscale", photo, "-o", "out.png", "--electronic")
    assert result.exit_code == 0, result.stderr
    assert "20×16 → 160×128" in result.stdout
    assert np.array_equal(_pixels(tmp_path / "out.png"), _expected(photo))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out.png", "photo.png"]


def test_an_ideal_device_agrees_to_a_rounding_step(run: Run, tmp_path: Path, photo: Path) -> None:
    result = run("upscale", photo, "-o", "out.png", "--device", IDEAL)
    assert result.exit_code == 0, result.stderr
    assert "optical" in result.stdout
    # An error of 1e-5 moves a value across a rounding threshold here and there, by one step.
    difference = np.abs(_pixels(tmp_path / "out.png") - _expected(photo))
    assert difference.max() <= 1
    assert (difference > 0).mean() < 0.02


def test_a_calibrated_device_comes_close(run: Run, tmp_path: Path, photo: Path) -> None:
    with open_device(LAB, seed=7) as device:
        device.calibrate().save(tmp_path / "lab7.h5")
    options = ("--device", LAB, "--seed", 7, "--precision", "best")
    result = run("upscale", photo, "-o", "out.png", *options, "--calibration", "lab7.h5")
    assert result.exit_code == 0, result.stderr
    assert "calibrating" not in result.stderr
    error = _pixels(tmp_path / "out.png") - _expected(photo)
    # The device's 3 % a layer, over nine layers: 30 dB is a tenth of the picture's contrast.
    assert 10 * np.log10(255**2 / np.mean(error.astype(float) ** 2)) > 30
    again = run("upscale", photo, "-o", "other.png", *options)
    assert again.exit_code == 0, again.stderr
    assert "calibrating" in again.stderr


def test_another_devices_calibration_is_refused(run: Run, tmp_path: Path, photo: Path) -> None:
    with open_device(LAB, seed=7) as device:
        device.calibrate().save(tmp_path / "lab7.h5")
    command = ("upscale", photo, "-o", "out.png", "--calibration", "lab7.h5", "--device", LAB)
    result = run(*command, "--seed", 8)
    assert result.exit_code == 1
    assert re.match("error: .*serial", result.stderr)
    damaged = bytearray((tmp_path / "lab7.h5").read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    (tmp_path / "lab7.h5").write_bytes(damaged)
    result = run(*command, "--seed", 7)
    assert result.exit_code == 1
    assert "corrupt" in result.stderr
    assert not (tmp_path / "out.png").exists()


def test_weights_of_ones_own(run: Run, tmp_path: Path, photo: Path) -> None:
    model = SuperResolutionModel.from_pretrained()
    state = {name: value.clone() for name, value in model.state_dict().items()}
    state["cf.weight"].zero_()
    state["cf.bias"].copy_(torch.tensor([1.0, 0.0, 0.2]))
    save_file(state, tmp_path / "red.safetensors")
    command = ("upscale", photo, "-o", "out.png", "--electronic", "--weights", "red.safetensors")
    assert run(*command).exit_code == 0
    assert np.unique(_pixels(tmp_path / "out.png").reshape(-1, 3), axis=0).tolist() == [
        [255, 0, 51]
    ]


@pytest.mark.parametrize("suffix", [".png", ".JPG", ".tif", ".webp", ".bmp"])
def test_formats(run: Run, tmp_path: Path, photo: Path, suffix: str) -> None:
    assert run("upscale", photo, "-o", f"out{suffix}", "--electronic").exit_code == 0
    error = _pixels(tmp_path / f"out{suffix}") - _expected(photo)
    # The lossy ones are written at a quality that cannot be told from the others by eye.
    assert np.abs(error).mean() < 3


def test_both_ways_at_once(run: Run, tmp_path: Path, photo: Path) -> None:
    result = run("upscale", photo, "-o", "out.png", "--both", "--device", IDEAL)
    assert result.exit_code == 0, result.stderr
    assert len(result.stdout.splitlines()) == 2
    electronic, optical = (
        _pixels(tmp_path / f"out_{way}.png") for way in ("electronic", "optical")
    )
    assert np.array_equal(electronic, _expected(photo))
    assert np.abs(electronic - optical).max() <= 1


def test_a_folder(run: Run, tmp_path: Path, photo: Path) -> None:
    (tmp_path / "in/deep").mkdir(parents=True)
    for name in ("in/größe.png", "in/deep/b.png", "in/deep/c.png"):
        (tmp_path / name).write_bytes(photo.read_bytes())
    (tmp_path / "in/deep/b.png").write_bytes(b"damaged")
    command = ("upscale", "in", "-o", "out", "-r", "--electronic", "--format", "jpg")
    result = run(*command)
    assert result.exit_code == 1
    assert "error: left out: in/deep/b.png is not a picture" in result.stderr
    written = {str(p.relative_to(tmp_path)) for p in (tmp_path / "out").rglob("*.jpg")}
    assert written == {"out/größe.jpg", "out/deep/c.jpg"}
    assert "2 written, 1 failed; electronic" in result.stdout
    again = run(*command)
    assert again.exit_code == 1
    assert "0 written, 2 already there (--overwrite makes them anew), 1 failed" in again.stdout


def test_without_anything_to_do_no_device_is_opened(run: Run, tmp_path: Path, photo: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/photo.png").touch()
    result = run("upscale", photo, "-o", "out", "--device", "toaster")
    assert result.exit_code == 0, result.stderr
    assert "0 written, 1 already there" in result.stdout


def test_the_inputs_colours(run: Run, tmp_path: Path) -> None:
    photo = tmp_path / "noise.png"  # what no network can foresee comes out paler
    noise = np.random.default_rng(0).integers(0, 256, (16, 20, 3), np.uint8)
    Image.fromarray(noise).save(photo)
    command = ("upscale", photo, "--electronic", "-o")
    assert run(*command, "plain.png").exit_code == 0
    assert run(*command, "matched.png", "--match-histogram").exit_code == 0
    small = _pixels(photo)

    def away(name: str) -> float:
        large = _pixels(tmp_path / name)
        at = np.linspace(0, 1, 50)
        return float(np.abs(np.quantile(large, at, (0, 1)) - np.quantile(small, at, (0, 1))).mean())

    # Matched, a quantile is off by half a rounding step and by the gaps between 320 values.
    assert away("matched.png") < 1.0
    assert away("plain.png") > 5.0


def test_a_picture_damaged_by_jpeg(run: Run, tmp_path: Path, photo: Path) -> None:
    with Image.open(photo) as picture:
        picture.save(tmp_path / "damaged.jpg", quality=10)
    assert run("upscale", "damaged.jpg", "-o", "out.png", "--electronic").exit_code == 0
    assert np.array_equal(_pixels(tmp_path / "out.png"), _expected(tmp_path / "damaged.jpg"))


def test_the_tile_changes_nothing(run: Run, tmp_path: Path, photo: Path) -> None:
    assert run("upscale", photo, "-o", "out.png", "--electronic", "--tile", 8).exit_code == 0
    # Another shape is summed in another order: float32 crosses a rounding threshold here and there.
    assert np.abs(_pixels(tmp_path / "out.png") - _expected(photo)).max() <= 1
