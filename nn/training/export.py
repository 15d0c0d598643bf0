"""The weights of a run and their model card."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from torch import nn

from nn.cards import ModelCard
from nn.judging import bicubic_quality, evaluate, load_test_pictures, mean_quality
from nn.training.data_module import PhotographData
from nn.training.lit_module import SuperResolutionTraining
from nn.weight_files import load_weights, save_weights

__all__ = ["WEIGHTS", "ExportedWeights", "complete_card", "make_card", "write_card"]

WEIGHTS = "weights.safetensors"
SAMPLING = "×8 decimation of pixels 4, 12, 20, …; bicubic aligned to it"
OUTPUT = "No output activation; figures are of outputs clamped to [0, 1], 8 bits."


class ExportedWeights(Checkpoint):
    """After every epoch worth keeping (`SuperResolutionTraining.exported`): weights and card.

    Parameters
    ----------
    folder : Path
    command : str
        For the card.
    """

    def __init__(self, folder: Path, command: str) -> None:
        self._path = folder / WEIGHTS
        self._command = command

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write them, on the first process."""
        assert isinstance(pl_module, SuperResolutionTraining)
        kept = pl_module.exported
        if not trainer.is_global_zero or kept is None or kept is not pl_module.history[-1]:
            return
        save_weights(self._path, pl_module.validated_network, pl_module.config.network)
        write_card(self._path, make_card(pl_module, self._command))


def make_card(module: SuperResolutionTraining, command: str) -> ModelCard:
    """The card of the weights that a run keeps, with what their validation said."""
    config, kept, data = module.config, module.exported, module.data
    assert kept is not None
    recipe: dict[str, Any] = portable(config.model_dump(mode="json", exclude={"network"}))
    recipe |= {"epochs_finished": len(module.history), "exported": asdict(kept)}
    where = "electronic" if module.optics is None else "optical"
    return ModelCard(
        title=config.run.title or f"The {config.network.form} network, trained on photographs",
        network=config.network,
        parameters=sum(parameter.numel() for parameter in module.network.parameters()),
        command=command,
        recipe=recipe,
        data={
            "training_pictures": len(data.training.names),
            "validation_pictures": len(data.validation.names),
            "left_out": len(data.training.rejected) + len(data.validation.rejected),
        },
        sampling=SAMPLING,
        quality={"validation": {where: {"psnr_rgb_db": kept.validation_psnr_rgb_db}}},
        notes=(OUTPUT,),
    )


def portable(recipe: dict[str, Any]) -> dict[str, Any]:
    """The same with paths reduced to their last parts: what they were on one machine helps none."""

    def short(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: short(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [short(inner) for inner in value]
        return Path(value).name if isinstance(value, str) and Path(value).is_absolute() else value

    shortened: dict[str, Any] = short(recipe)
    return shortened


def write_card(weights: Path, card: ModelCard) -> None:
    """Write the card as JSON beside the weights; it is whole or not there."""
    path = weights.with_suffix(".json")
    part = path.with_name(f".{path.name}.part")
    part.write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    os.replace(part, path)


def complete_card(
    weights: Path, card: ModelCard, data: PhotographData, tests: Sequence[Path]
) -> ModelCard:
    """Measure the weights, electronic, on the validation pictures and test sets; write the card.

    Parameters
    ----------
    weights : Path
        File of the weights that the card describes.
    tests : sequence of Path
        Folders of test pictures.

    Raises
    ------
    FileNotFoundError
        A test folder is missing or empty.
    """
    model = load_weights(weights)
    sets = [("validation", [picture.float() / 255.0 for picture in data.validation.pictures])]
    sets += [(folder.name, [p for _, p in load_test_pictures(folder)]) for folder in tests]
    quality = {name: {k: dict(v) for k, v in kept.items()} for name, kept in card.quality.items()}
    for name, pictures in sets:
        methods = quality.setdefault(name, {})
        methods["electronic"] = _mean(model, pictures)
        methods["bicubic"] = _mean(None, pictures)
    complete = card.model_copy(update={"quality": quality})
    write_card(weights, complete)
    return complete


def _mean(model: nn.Module | None, pictures: Sequence[torch.Tensor]) -> dict[str, float]:
    """Mean figures of a network, or of the aligned bicubic enlargement."""
    judged = [bicubic_quality(p) if model is None else evaluate(model, p) for p in pictures]
    return {
        name: value for name, value in asdict(mean_quality(judged)).items() if value is not None
    }
