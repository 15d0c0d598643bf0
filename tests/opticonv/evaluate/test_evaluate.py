"""The command as a user runs it, on pictures of a few dozen pixels."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from nn import SuperResolutionModel
from nn.judging import FolderSet, LinearFilter, Quality, fit_linear_filter
from nn.sampling import bicubic_upsample, decimate
from opticonv.evaluate import evaluation
from opticonv.evaluate.table import EvaluationTable

Run = Callable[..., Any]

IDEAL = "emulator:ideal?device__n=32"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """Weights of the original network, as a file."""
    path = tmp_path / "mine.safetensors"
    save_file(SuperResolutionModel.from_pretrained().state_dict(), path)
    return path


def test_judges_everything_and_says_what_came_out(
    run: Run, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")  # so that no cell of the table is broken
    result = run(
        *("evaluate", "original", "--set", f"mine={pictures}", "--device", IDEAL, "--seeds", 7),
        *("--json", "t.json", "--csv", "t.csv", "--html", "t.html", "--match", "input,truth"),
    )
    assert result.exit_code == 0, result.stderr
    table = EvaluationTable.load("t.json")
    # 5 baselines; the network on two machines, each as it is, matched to input and to truth.
    assert len(table.judgements) == 3 * (5 + 2 * 3)
    for method in table.methods("mine"):
        assert method in result.stdout
    assert "optical − electronic" in result.stdout
    assert "not measured" in result.stdout
    assert table.provenance["settings"]["border"] == "none"
    assert table.provenance["sets"] == {"mine": 3}
    lines = list(csv.DictReader(Path("t.csv").read_text(encoding="utf-8").splitlines()))
    assert len(lines) == len(table.judgements)
    assert lines[0]["perceptual"] == ""
    assert "original, optical, matched to truth (leak)" in Path("t.html").read_text()


def test_a_row_is_the_quality_of_that_enlargement(run: Run, pictures: Path) -> None:
    command = ("evaluate", "--set", f"mine={pictures}", "--json", "t.json", "--border")
    assert run(*command, "shave-scale", "--methods", "bicubic,electronic").exit_code == 0
    table = EvaluationTable.load("t.json")
    truths = FolderSet.open("mine", pictures)
    model = SuperResolutionModel.from_pretrained()
    for index, name in enumerate(truths.names):
        truth = truths.load(index)
        small = decimate(truth)[None]
        with torch.no_grad():
            outputs = {"bicubic": bicubic_upsample(small), "original, electronic": model(small)}
        for method, output in outputs.items():
            (row,) = (j for j in table.of("mine", method) if j.picture == name)
            wanted = Quality.between(output[0], truth, border="shave-scale")
            # Convolutions of a batch add up in another order than those of one picture: 1e-6 of
            # a pixel value, which moves one across a rounding step now and then.
            assert row.psnr_rgb_db == pytest.approx(wanted.psnr_rgb_db, abs=1e-3)
            assert row.delta_e2000 == pytest.approx(wanted.delta_e2000, abs=1e-3)


def test_an_ideal_device_is_as_good_as_electronics(run: Run, pictures: Path) -> None:
    command = ("evaluate", "--set", f"mine={pictures}", "--device", IDEAL, "--json", "t.json")
    assert run(*command, "--methods", "electronic,optical").exit_code == 0
    table = EvaluationTable.load("t.json")
    pairs = zip(
        table.of("mine", "original, electronic"), table.of("mine", "original, optical"), strict=True
    )
    for host, light in pairs:
        # 1e-5 a layer moves a pixel in a hundred by one step of 255: beside errors of 20 steps.
        assert light.psnr_rgb_db == pytest.approx(host.psnr_rgb_db, abs=0.01)


def test_what_is_done_is_not_done_again(
    run: Run, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ("evaluate", "--set", f"mine={pictures}", "--json", "t.json", "--methods")
    assert run(*command, "bicubic,electronic").exit_code == 0
    before = EvaluationTable.load("t.json")
    judged: list[str] = []
    judge_all = evaluation.judge_all

    def noted(*arguments: Any) -> Any:
        for rows in judge_all(*arguments):
            judged.extend(row.method for row in rows)
            yield rows

    monkeypatch.setattr(evaluation, "judge_all", noted)
    assert run(*command, "bicubic,electronic").exit_code == 0
    assert judged == []
    assert EvaluationTable.load("t.json").judgements == before.judgements
    assert run(*command, "bilinear,bicubic").exit_code == 0
    assert judged == ["bilinear"] * 3


def test_what_was_done_before_an_interruption_is_kept(
    run: Run, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = FolderSet.load

    def interrupted(self: FolderSet, index: int) -> torch.Tensor:
        if index == 2:
            raise KeyboardInterrupt
        return load(self, index)

    command = ("evaluate", "--set", f"mine={pictures}", "--json", "t.json", "--methods", "bicubic")
    with monkeypatch.context() as patched:
        patched.setattr(FolderSet, "load", interrupted)
        assert run(*command).exit_code == 130
    assert [j.picture for j in EvaluationTable.load("t.json").judgements] == ["face", "flag"]
    assert run(*command).exit_code == 0
    assert len(EvaluationTable.load("t.json").judgements) == 3


def test_two_results_are_not_written_into_one_file(run: Run, pictures: Path) -> None:
    result = run("evaluate", "--set", f"mine={pictures}", "--json", "t", "--csv", "./t")
    assert result.exit_code == 1
    assert "one file for two things" in result.stderr
    assert not Path("t").exists()


def test_a_table_of_other_settings_is_left_alone(run: Run, pictures: Path, weights: Path) -> None:
    command = ("evaluate", weights, "--set", f"mine={pictures}", "--json", "t.json")
    assert run(*command, "--methods", "electronic").exit_code == 0
    content = Path("t.json").read_bytes()
    result = run(*command, "--methods", "electronic", "--border", "shave-scale")
    assert result.exit_code == 1
    assert "border none, not shave-scale: write to another file" in result.stderr
    state = load_file(weights)
    save_file({name: tensor + 1e-3 for name, tensor in state.items()}, weights)
    result = run(*command, "--methods", "electronic")
    assert result.exit_code == 1
    assert re.search(r"weights mine \w+, not \w+", result.stderr)
    assert Path("t.json").read_bytes() == content


def test_several_devices_and_their_interval(run: Run, pictures: Path) -> None:
    result = run(
        *("evaluate", "--set", f"mine={pictures}", "--device", IDEAL, "--seeds", "7,8"),
        *("--methods", "electronic,optical", "--json", "t.json"),
    )
    assert result.exit_code == 0, result.stderr
    assert "3 pictures, 2 devices" in result.stdout
    assert {j.seed for j in EvaluationTable.load("t.json").judgements} == {None, 7, 8}


def test_a_filter_fitted_on_a_folder(run: Run, pictures: Path) -> None:
    options = ("--fit-linear", pictures, "--linear-size", 3, "--save-linear", "f.safetensors")
    command = ("evaluate", "--set", f"mine={pictures}", "--methods", "linear")
    result = run(*command, *options)
    assert result.exit_code == 0, result.stderr
    assert "linear 3×3" in result.stdout
    truths = FolderSet.open("mine", pictures)
    wanted = fit_linear_filter((truths.load(i) for i in range(3)), 3)
    saved = LinearFilter.load("f.safetensors")
    assert torch.equal(saved.weight, wanted.weight.float())
    assert saved.fitted_on == "3 pictures"
    assert "linear 3×3" in run(*command, "--linear-filter", "f.safetensors").stdout


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        (("unknown",), "no weights named 'unknown'; there are .*original"),
        (("original", "original"), "two networks are named 'original'"),
        (("absent.safetensors",), "no weights file at absent"),
        (("--methods", "bicubic,magic"), "no method 'magic'; there are nearest"),
        (("--methods", ","), "names none"),
        (("--match", "output"), "matched to input, truth or both"),
        (("--vgg", "absent.safetensors"), "no VGG-16 weights at absent"),
        (("--seeds", "7,8", "--calibration", "x.h5"), "of one device"),
        (("--linear-filter", "absent.safetensors"), "no linear filter at absent"),
        (("--save-linear", "f.safetensors"), "name pictures by --fit-linear"),
        (("--json", "absent/t.json"), "no folder absent"),
        (
            ("--border", "shave-6+scale", "--methods", "bicubic"),
            "48×32 pixels leaves less .* that SSIM needs",
        ),
        (("--device", "emulator:absent", "--methods", "optical"), "absent"),
    ],
)
def test_what_is_wrong_is_one_line(
    options: tuple[str, ...], fault: str, run: Run, pictures: Path
) -> None:
    result = run("evaluate", "--set", f"mine={pictures}", *options)
    assert result.exit_code == 1
    errors = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert re.search(fault, errors[0]), errors[0]


def test_a_set_is_needed(run: Run) -> None:
    result = run("evaluate")
    assert result.exit_code == 1
    assert "name a set: --set Set5=FOLDER" in result.stderr


def test_a_damaged_picture_is_named(run: Run, pictures: Path) -> None:
    (pictures / "grass.png").write_text("no picture")
    result = run("evaluate", "--set", f"mine={pictures}", "--methods", "bicubic")
    assert result.exit_code == 1
    assert re.search(r"grass\.png is not a picture", result.stderr)
