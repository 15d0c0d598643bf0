"""Train the super-resolution network: ``python -m nn.training PHOTOS --out WEIGHTS.safetensors``.

The recipe's defaults are the original's: Adam, learning rate 0.01 multiplied by 0.8 each epoch,
batches of 4, 15 epochs, mean squared error.  After every epoch the whole state is written
atomically to the run folder and the best weights so far to ``--out``; an interrupted run goes on
where its last finished epoch ended, with the result an uninterrupted one would have had.
"""

from __future__ import annotations

import json
import math
import os
import shlex
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch.nn import functional
from torch.utils.data import DataLoader

from nn.data import PhotoDataset
from nn.losses import VGGFeatureLoss, mge_loss
from nn.super_resolution import SuperResolutionModel

__all__ = ["History", "Recipe", "export_weights", "learning_rate", "resume_or_start", "train"]

FORMAT = 1


@dataclass(frozen=True)
class Recipe:
    """What decides a training run's result, besides the pictures."""

    epochs: int = 15
    batch: int = 4
    rate: float = 0.01
    """Learning rate of the first epoch."""
    schedule: str = "step"
    """"step": ×0.8 each epoch; "cosine": half a cosine from `rate` to a hundredth of it."""
    augment: bool = False
    mse: float = 1.0
    mge: float = 0.0
    feature: float = 0.0
    """Weights of the losses."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch < 1 or not self.rate > 0:
            raise ValueError("epochs and batch must be at least 1 and the learning rate above 0")
        if self.schedule not in ("step", "cosine"):
            raise ValueError(f'schedule must be "step" or "cosine", got {self.schedule!r}')
        if min(self.mse, self.mge, self.feature) < 0 or self.mse + self.mge + self.feature == 0:
            raise ValueError("loss weights must not be negative nor all zero")


@dataclass(frozen=True)
class History:
    """Figures of one finished epoch."""

    epoch: int
    rate: float
    loss: float
    validation_psnr_rgb_db: float
    seconds: float


def learning_rate(recipe: Recipe, progress: float) -> float:
    """Learning rate at `progress`, in epochs from the start (fractions are within an epoch)."""
    if recipe.schedule == "step":
        return recipe.rate * 0.8 ** math.floor(progress)
    floor = recipe.rate / 100.0
    phase = math.pi * min(progress / recipe.epochs, 1.0)
    return floor + (recipe.rate - floor) * (1.0 + math.cos(phase)) / 2.0


@dataclass
class TrainingState:
    """A run between two epochs."""

    recipe: Recipe
    model: SuperResolutionModel
    optimiser: torch.optim.Adam
    history: list[History]

    @property
    def best(self) -> History | None:
        """The finished epoch of highest validation PSNR."""
        return max(self.history, key=lambda h: h.validation_psnr_rgb_db, default=None)

    def save(self, path: Path) -> None:
        """Write atomically: a reader finds the old state or the new one, never a part."""
        state = {
            "format": FORMAT,
            "recipe": asdict(self.recipe),
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "history": [asdict(entry) for entry in self.history],
        }
        _write_atomically(path, lambda part: torch.save(state, part))


def resume_or_start(
    recipe: Recipe, path: Path, *, optical: bool = False, optics: str | None = None
) -> TrainingState:
    """The run kept at `path`, or a new one if there is none.

    `recipe.epochs` may differ from the kept run's (to train longer or stop earlier).

    Raises
    ------
    ValueError
        If the run kept there has another recipe or is of another format.
    """
    torch.manual_seed(recipe.seed)
    model = SuperResolutionModel(optical=optical, optics=optics)
    optimiser = torch.optim.Adam(model.parameters(), lr=recipe.rate)
    if not path.exists():
        return TrainingState(recipe, model, optimiser, [])
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True)
        kept = Recipe(**state["recipe"])
        found = state["format"]
    except Exception as error:
        raise ValueError(f"{path} is not the state of a training run: {error}") from error
    if found != FORMAT:
        raise ValueError(f"{path} is of format {found}, this version reads {FORMAT}")
    if replace(kept, epochs=recipe.epochs) != recipe:
        raise ValueError(f"{path} holds a run with another recipe: {kept}")
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    return TrainingState(recipe, model, optimiser, [History(**h) for h in state["history"]])


def train(
    state: TrainingState,
    training: torch.Tensor,
    validation: torch.Tensor,
    *,
    feature_loss: VGGFeatureLoss | None = None,
    on_batch: Callable[[int, int], None] = lambda done, total: None,
) -> Iterable[History]:
    """Train epoch by epoch; each finished one is appended to ``state.history`` and yielded.

    Draws depend on the seed and the epoch's number alone, so that a resumed run repeats none and
    skips none.

    Parameters
    ----------
    state : TrainingState
    training, validation : torch.Tensor, shape (n, 3, 256, 256), uint8
    feature_loss : VGGFeatureLoss or None
        Needed if the recipe gives it weight.
    on_batch : callable
        Told batches done and batches of the epoch.

    Raises
    ------
    ValueError
        If the feature loss is wanted but not given, or the loss is no longer finite.
    """
    recipe = state.recipe
    if recipe.feature > 0 and feature_loss is None:
        raise ValueError("the feature loss needs VGG-16 weights")
    dataset = PhotoDataset(training, augment=recipe.augment)
    while len(state.history) < recipe.epochs:
        epoch = len(state.history)
        started = time.monotonic()
        torch.manual_seed(recipe.seed * 1_000_003 + epoch + 1)
        loader = DataLoader(dataset, batch_size=recipe.batch, shuffle=True)
        state.model.train()
        total = 0.0
        for index, (input, target) in enumerate(loader):
            for group in state.optimiser.param_groups:
                group["lr"] = learning_rate(recipe, epoch + index / len(loader))
            output = state.model(input)
            loss = recipe.mse * functional.mse_loss(output, target)
            if recipe.mge > 0:
                loss = loss + recipe.mge * mge_loss(output, target)
            if recipe.feature > 0 and feature_loss is not None:
                loss = loss + recipe.feature * feature_loss(output, target)
            state.optimiser.zero_grad()
            loss.backward()
            state.optimiser.step()
            total += loss.item()
            on_batch(index + 1, len(loader))
        if not math.isfinite(total):
            raise ValueError(f"the loss became {total} in epoch {epoch + 1}: lower the rate")
        entry = History(
            epoch=epoch + 1,
            rate=learning_rate(recipe, epoch),
            loss=total / len(loader),
            validation_psnr_rgb_db=_validation_psnr(state.model, validation),
            seconds=time.monotonic() - started,
        )
        state.history.append(entry)
        yield entry


@torch.no_grad()
def _validation_psnr(model: SuperResolutionModel, pictures: torch.Tensor) -> float:
    """Mean over pictures of the RGB PSNR [dB] of the output clamped to [0, 1]."""
    model.eval()
    figures = []
    for input, target in DataLoader(PhotoDataset(pictures), batch_size=8):
        error = (model(input).clamp(0.0, 1.0) - target).square().mean(dim=(1, 2, 3))
        figures.append(-10.0 * error.log10())
    return torch.cat(figures).mean().item()


def _write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    write(part)
    os.replace(part, path)


def export_weights(model: SuperResolutionModel, path: Path, card: dict[str, Any]) -> None:
    """Write weights as safetensors and `card` (what they are) as JSON beside them, atomically."""
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    metadata = {"format": "pt", "architecture": "SuperResolutionModel"}
    _write_atomically(path, lambda part: part.write_bytes(save(weights, metadata)))
    text = json.dumps(card, indent=2, ensure_ascii=False) + "\n"
    _write_atomically(
        path.with_suffix(".json"), lambda part: part.write_text(text, encoding="utf-8")
    )


def command_line() -> str:
    """The command that was given, in a portable form: paths without their folders."""
    arguments = [Path(a).name if Path(a).is_absolute() else a for a in sys.argv[1:]]
    return shlex.join(["python", "-m", "nn.training", *arguments])


if __name__ == "__main__":
    from nn.training_cli import main

    main()
