"""A training run from its configuration to its weights."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loggers import TensorBoardLogger

from nn.cards import ModelCard
from nn.training.checkpoints import CHECKPOINT, Checkpoints, check_resumable
from nn.training.config import TrainingConfig
from nn.training.data_module import PhotographData
from nn.training.export import WEIGHTS, ExportedWeights, complete_card, make_card
from nn.training.interruption import StopRequest
from nn.training.lit_module import EpochRecord, SuperResolutionTraining
from nn.training.run_log import RunLog

__all__ = ["FinishedRun", "train"]

PRECISION: dict[str, Literal["32-true", "bf16-mixed"]] = {"fp32": "32-true", "bf16": "bf16-mixed"}


@dataclass(frozen=True)
class FinishedRun:
    """What a run has come to.

    Attributes
    ----------
    history : tuple of EpochRecord
    weights : Path
        Of the kept epoch (`SuperResolutionTraining.exported`); the card lies beside it.
    card : ModelCard or None
        None in all processes but the first.
    """

    history: tuple[EpochRecord, ...]
    weights: Path
    card: ModelCard | None


def train(
    config: TrainingConfig,
    folder: Path,
    *,
    command: str = "",
    callbacks: Sequence[Callback] = (),
    stop: StopRequest | None = None,
) -> FinishedRun:
    """Train, or go on with the run that is kept in `folder`.

    Left in the folder: ``last.ckpt``, ``weights.safetensors`` and ``weights.json`` of the kept
    epoch, TensorBoard's files in ``log/``, the device's calibration if one was measured.

    Parameters
    ----------
    config : TrainingConfig
    folder : Path
    command : str
        What was typed, for the card.
    callbacks : sequence of Callback
        Besides those that save and log.
    stop : StopRequest or None
        Who may ask the run to end; by default signals alone.

    Raises
    ------
    InterruptedRunError
        The run was asked to end and is saved; call again to go on.
    ValueError, FileNotFoundError
        A file is missing or of another kind, the folder holds another run, or the loss is no longer
        finite.
    driver.DriverError
        The device cannot be opened or calibrated, or failed.
    """
    if config.run.threads is not None:
        torch.set_num_threads(config.run.threads)
    folder.mkdir(parents=True, exist_ok=True)
    data = PhotographData(config)
    data.setup()
    checkpoint = folder / CHECKPOINT
    resuming = checkpoint.exists()
    if resuming:
        check_resumable(checkpoint, config, data.fingerprint)
    module = SuperResolutionTraining(config, folder, resuming=resuming)
    request = StopRequest() if stop is None else stop
    saving = [
        ExportedWeights(folder, command),
        Checkpoints(folder, config.run.checkpoint_every_steps, request),
    ]
    log = RunLog(config.run.log_every_steps, config.run.pictures_every_epochs, config.run.pictures)
    with _quiet(), request.listening():
        trainer = Trainer(
            **_processes(config),
            max_epochs=config.optimiser.epochs,
            precision=PRECISION[config.optimiser.precision],
            logger=TensorBoardLogger(folder, name="log", version=""),
            callbacks=[*callbacks, log, *saving],
            log_every_n_steps=config.run.log_every_steps,
            num_sanity_val_steps=0,
            enable_progress_bar=False,
            enable_model_summary=False,
            use_distributed_sampler=False,  # the batches are shared out already
            inference_mode=False,  # optical layers are autograd functions
        )
        trainer.fit(
            module,
            datamodule=data,
            ckpt_path=checkpoint if resuming else None,
            weights_only=True if resuming else None,
        )
    weights = folder / WEIGHTS
    card = None
    if trainer.is_global_zero:
        card = complete_card(weights, make_card(module, command), data, config.data.test)
    return FinishedRun(tuple(module.history), weights, card)


def _processes(config: TrainingConfig) -> dict[str, Any]:
    """The trainer's arguments: torchrun's processes, or those of the configuration."""
    local = int(os.environ.get("LOCAL_WORLD_SIZE", config.run.processes))
    world = int(os.environ.get("WORLD_SIZE", local))
    return {
        "accelerator": "cpu",
        "devices": local,
        "num_nodes": max(world // local, 1),
        "strategy": "ddp" if world > 1 else "auto",
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Without Lightning's advice on hardware, workers and products."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", ".*does not have many workers.*")
            warnings.filterwarnings("ignore", ".*is smaller than the logging interval.*")
            warnings.filterwarnings("ignore", ".*module.*in eval mode at the start of training.*")
            warnings.filterwarnings("ignore", ".*exists and is not empty.*")
            warnings.filterwarnings("ignore", ".*LeafSpec.*is deprecated.*")
            yield
    finally:
        logger.setLevel(level)
