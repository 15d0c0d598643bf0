from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from typer.testing import CliRunner, Result

from nn import SuperResolutionModel
from opticonv.cli import app

#: A run of one step an epoch, on the two smallest crops.
SMALL = ("data.window=16", "data.crops=random", "optimiser.batch=2", "optimiser.rate=0.001",
         "run.threads=1", "run.pictures=0", "data.validation_limit=1")  # fmt: skip


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pictures of training and one of validation: their names say so."""
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(1)
    for name in ("0000000001", "1000000001", "2000000001", "ff00000001"):
        pixels = random.integers(0, 256, (256, 256, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["train", *map(str, arguments)])


def test_the_command_trains_goes_on_and_tells(photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = ("--config", "original", "--out", out, f"data.folder={photos}", *SMALL)
    first = run(*command, "optimiser.epochs=1")
    assert first.exit_code == 0, first.output
    assert "3 training and 1 validation pictures" in first.output
    assert "epoch   1" in first.output
    second = run(*command, "optimiser.epochs=2")
    assert "1 epochs already done" in second.output
    assert "epoch   1" not in second.output
    assert "epoch   2" in second.output
    assert "validation: electronic" in second.output
    card = json.loads((out / "weights.json").read_text())
    assert card["recipe"]["epochs_finished"] == 2
    SuperResolutionModel().load_state_dict(load_file(out / "weights.safetensors"))


def test_from_names_the_weights_to_begin_from(photos: Path, tmp_path: Path) -> None:
    result = run(
        "--config", "original", "--out", tmp_path, "--from", "original",
        f"data.folder={photos}", *SMALL, "optimiser.epochs=1", "optimiser.rate=1e-12",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    trained = load_file(tmp_path / "weights.safetensors")
    for name, value in SuperResolutionModel.from_pretrained("original").state_dict().items():
        assert torch.allclose(trained[name], value, rtol=0, atol=1e-11)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--config", "orignal"), "no configuration is called"),
        (("--config", "original", "optimiser.ema=2.0"), "less than 1"),
        (("--config", "original", "data.folder=missing"), "no folder of photographs"),
        (("--config", "original", "--from", "nothing"), "no weights file at nothing"),
    ],
)
def test_one_line_says_what_is_wrong(
    photos: Path, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    folder = () if any("folder" in a for a in arguments) else (f"data.folder={photos}", *SMALL)
    result = run(*arguments, *folder, "--out", tmp_path / "run")
    assert result.exit_code == 1
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output


@pytest.mark.slow
def test_ctrl_c_saves_and_says_how_to_go_on(photos: Path, tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "opticonv", "train", "--config", "original",
        "--out", str(tmp_path / "run"), f"data.folder={photos}", *SMALL, "optimiser.epochs=100000",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert any("epoch   1" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(60) == 130
    assert "the same command goes on" in " ".join(rest.split())
    checkpoint = torch.load(tmp_path / "run" / "last.ckpt", weights_only=True)
    assert checkpoint["global_step"] >= 1
