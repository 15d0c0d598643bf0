from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from driver import open_device
from nn.training.config import OpticsSection
from nn.training.optics import TrainingOptics

IDEAL = "emulator:ideal?device__n=16"


def opened(folder: Path, *, rank: int = 0, world: int = 1, **values: Any) -> TrainingOptics:
    section = OpticsSection(**{"device": IDEAL, **values})
    return TrainingOptics(section, folder, resuming=False, rank=rank, world=world)


def serial(folder: Path, **values: Any) -> str:
    optics = opened(folder, **values)
    optics.close()
    return optics.device.info.serial


def test_each_process_has_its_own_specimen(tmp_path: Path) -> None:
    serials = {serial(tmp_path, rank=rank, world=3) for rank in range(3)}
    assert len(serials) == 3
    with open_device("emulator:ideal", seed=6, device__n=16) as sixth:
        expected = sixth.info.serial
    assert serial(tmp_path, rank=1, world=2, seed=5) == expected
    assert serial(tmp_path, rank=6, world=7, device=f"{IDEAL}&seed={{rank}}") == expected
    assert serial(tmp_path, device=f"{IDEAL}&seed=6") == expected


def test_one_specimen_for_several_processes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="a device each"):
        opened(tmp_path, world=2, device=f"{IDEAL}&seed=6")


def test_a_calibration_is_measured_kept_and_taken_from_a_file(tmp_path: Path) -> None:
    lab = "emulator:lab?device__n=16"
    first = opened(tmp_path, device=lab, seed=3)
    assert first.device.calibration is not None
    first.close()
    kept = tmp_path / "calibration-0.h5"
    assert kept.exists()
    second = opened(tmp_path / "other", device=lab, seed=3,
                    calibration=str(tmp_path / "calibration-{rank}.h5"))  # fmt: skip
    assert second.device.calibration is not None
    assert second.device.telemetry().frames == 0
    second.close()
    assert not (tmp_path / "other").exists()


def test_a_device_that_cannot_be_set_back_is_said_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    optics = opened(tmp_path)
    optics.restore(None)
    optics.close()
    assert "goes on with other noise" in caplog.text
