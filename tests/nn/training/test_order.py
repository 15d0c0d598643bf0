from __future__ import annotations

import pytest

from nn.training.order import EpochBatches, Position, random_stream


def batches(
    epoch: int = 0, batch: int = 0, *, seed: int = 1, rank: int = 0, world: int = 1
) -> list[list[tuple[int, int]]]:
    return list(
        EpochBatches(23, 4, seed=seed, position=Position(epoch, batch), rank=rank, world=world)
    )


def test_an_epoch_is_a_permutation_without_what_fills_no_batch() -> None:
    made = batches(epoch=3)
    seen = [index for batch in made for _, index in batch]
    assert len(made) == 5
    assert len(set(seen)) == 20
    assert set(seen) <= set(range(23))
    assert all(epoch == 3 for batch in made for epoch, _ in batch)


def test_order_is_a_function_of_seed_and_epoch() -> None:
    assert batches() == batches()
    assert batches() != batches(seed=2)
    assert [[i for _, i in b] for b in batches()] != [[i for _, i in b] for b in batches(epoch=1)]


def test_an_epoch_can_be_taken_up_anywhere() -> None:
    assert batches(batch=2) == batches()[2:]
    position = Position()
    sampler = EpochBatches(23, 4, seed=1, position=position)
    next(iter(sampler))
    position.batch = 3
    assert list(sampler) == batches()[3:]
    assert len(sampler) == 5


def test_processes_share_each_batch() -> None:
    shares = [batches(rank=rank, world=2) for rank in range(2)]
    for whole, first, second in zip(batches(), *shares, strict=True):
        assert sorted(first + second) == sorted(whole)
        assert len(first) == len(second) == 2


def test_too_few_crops_or_an_uneven_share_are_refused() -> None:
    with pytest.raises(ValueError, match="more than the 3 crops"):
        EpochBatches(3, 4, seed=0, position=Position())
    with pytest.raises(ValueError, match="3 processes cannot share"):
        EpochBatches(23, 4, seed=0, position=Position(), world=3)


def test_streams_do_not_meet() -> None:
    """A shorter place is not the same as one that ends in zeros."""
    places = [(0, 5), (0, 5, 0), (1, 5), (0, 0, 5)]
    draws = {tuple(random_stream(7, *place).integers(2**32, size=2)) for place in places}
    assert len(draws) == len(places)
