from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image

from nn.training.config import TrainingConfig
from nn.training.config_file import load_config


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Tensors this small only lose by waiting for a second thread."""
    torch.set_num_threads(1)


def smooth_picture(seed: int, height: int = 256, width: int = 272) -> torch.Tensor:
    """A picture of soft blobs, (3, height, width) uint8."""
    coarse = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    fine = torch.nn.functional.interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)
    return (fine[0] * 255).to(torch.uint8)


def write_picture(path: Path, picture: torch.Tensor) -> None:
    Image.fromarray(picture.permute(1, 2, 0).contiguous().numpy()).save(path)


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve photographs; the split is by content: seven for training, five for validation."""
    folder = tmp_path_factory.mktemp("photos")
    for seed in range(12):
        write_picture(folder / f"{seed:02d}.png", smooth_picture(seed))
    return folder


@pytest.fixture
def configured(photos: Path) -> Callable[..., TrainingConfig]:
    """A small run of three steps an epoch, with values in place of its own."""

    def made(*overrides: str) -> TrainingConfig:
        return load_config(
            "original_long",
            [
                f"data.folder={photos}", "data.window=32", "data.limit=6",
                "data.validation_limit=1", "optimiser.batch=2", "optimiser.epochs=3",
                "optimiser.warmup_epochs=0.5", "run.pictures=0", *overrides,
            ],
        )  # fmt: skip

    return made
