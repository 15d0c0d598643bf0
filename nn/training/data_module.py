"""The pictures of a run as Lightning wants them, and the place in their stream."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import Any

import torch
from lightning.pytorch import LightningDataModule
from torch.utils.data import DataLoader, Subset, TensorDataset

from nn.data import Photographs, Photos, load_photos
from nn.training.config import TrainingConfig
from nn.training.crops import Crops, Sizes, read_training_photographs
from nn.training.order import EpochBatches, Position

__all__ = ["PhotographData"]

VALIDATION_BATCH = 8


class _ResumableLoader(DataLoader[torch.Tensor]):
    """Tells Lightning that it can begin in the middle of an epoch: it does, by its position."""

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to do: the data module has loaded the position."""


class PhotographData(LightningDataModule):
    """Training crops and validation pictures, decoded once and kept in memory as uint8.

    Attributes
    ----------
    position : Position
        What has been trained; the module that trains moves it.
    training : Photographs
    validation : Photos

    Raises
    ------
    FileNotFoundError, ValueError
        From `setup`: there is no such folder, or too little in it.
    """

    training: Photographs[Sizes]
    validation: Photos

    def __init__(self, config: TrainingConfig) -> None:
        super().__init__()
        self._config = config
        self._is_read = False
        self.position = Position()

    def setup(self, stage: str = "fit") -> None:
        """Read the pictures, once."""
        if self._is_read:
            return
        data = self._config.data
        self.training = read_training_photographs(data.folder, data)
        self.validation = load_photos(data.folder, "validation", limit=data.validation_limit)
        self._is_read = True

    @property
    def fingerprint(self) -> str:
        """Of the names of all pictures, in their order: what a resumed run must find again."""
        names = "\n".join([*self.training.names, "", *self.validation.names])
        return hashlib.sha256(names.encode()).hexdigest()

    def _processes(self) -> tuple[int, int]:
        return (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)

    def train_dataloader(self) -> DataLoader[torch.Tensor]:
        """Crops, (n, 3, window, window) uint8."""
        crops = Crops(self.training.pictures, self._config.data, seed=self._config.run.seed)
        rank, world = self._processes()
        batches = EpochBatches(
            len(crops),
            self._config.optimiser.batch,
            seed=self._config.run.seed,
            position=self.position,
            rank=rank,
            world=world,
        )
        return _ResumableLoader(crops, batch_sampler=batches, num_workers=self._config.run.workers)

    def val_dataloader(self) -> DataLoader[tuple[torch.Tensor, ...]]:
        """Every `world`-th validation picture from the process's own number on, whole."""
        rank, world = self._processes()
        pictures = TensorDataset(self.validation.pictures)
        own = Subset(pictures, range(rank, len(pictures), world))
        return DataLoader(own, batch_size=VALIDATION_BATCH)

    def state_dict(self) -> dict[str, Any]:
        """The position, for a checkpoint."""
        return asdict(self.position)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint's position."""
        self.position.epoch, self.position.batch = state["epoch"], state["batch"]
