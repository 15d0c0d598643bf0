"""In which order an epoch meets its crops, from any place on: a function of seed and epoch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from torch.utils.data import Sampler

__all__ = ["EpochBatches", "Position", "random_stream"]

ORDER, CROPS = 0, 1
"""Streams of random numbers, each its own for every seed and epoch."""


def random_stream(seed: int, stream: int, *place: int) -> np.random.Generator:
    """Random numbers that depend on these numbers alone, and on no draw before."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(stream, *place)))


@dataclass
class Position:
    """How far training has come: whole epochs, and batches of the next one."""

    epoch: int = 0
    batch: int = 0


class EpochBatches(Sampler[list[tuple[int, int]]]):
    """Batches of (epoch, index) from `position` to the epoch's end, of one process's share.

    Every epoch is a permutation of all indices; what is left over after the last whole batch waits
    for another epoch.  Process `rank` of `world` gets every `world`-th crop of each batch.

    Parameters
    ----------
    size : int
        Crops there are.
    batch : int
        Crops of a batch over all processes; a multiple of `world`.
    position : Position
        Read when an epoch begins; whoever trains moves it.

    Raises
    ------
    ValueError
        If there are fewer crops than a batch takes, or the processes can't share one evenly.
    """

    def __init__(
        self, size: int, batch: int, *, seed: int, position: Position, rank: int = 0, world: int = 1
    ) -> None:
        if size < batch:
            raise ValueError(f"a batch of {batch} needs more than the {size} crops there are")
        if batch % world:
            raise ValueError(f"{world} processes cannot share a batch of {batch} evenly")
        self._size, self._batch, self._seed = size, batch, seed
        self._position, self._rank, self._world = position, rank, world

    def __len__(self) -> int:
        """Batches of a whole epoch."""
        return self._size // self._batch

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        epoch = self._position.epoch
        order = random_stream(self._seed, ORDER, epoch).permutation(self._size)
        for number in range(self._position.batch, len(self)):
            chosen = order[number * self._batch : (number + 1) * self._batch]
            yield [(epoch, int(index)) for index in chosen[self._rank :: self._world]]
