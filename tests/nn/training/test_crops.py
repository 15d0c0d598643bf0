from __future__ import annotations

from pathlib import Path

import torch

from nn.data import load_photos
from nn.training.config import DataSection
from nn.training.crops import Crops, read_training_photographs


def section(photos: Path, **values: object) -> DataSection:
    return DataSection(folder=photos, **values)  # type: ignore[arg-type]


def test_centre_crops_are_what_validation_would_see(photos: Path) -> None:
    data = section(photos)
    crops = Crops(read_training_photographs(photos, data).pictures, data, seed=0)
    prepared = load_photos(photos, "training").pictures
    assert len(crops) == len(prepared)
    for index, picture in enumerate(prepared):
        assert torch.equal(crops[3, index], picture)


def test_photographs_are_kept_at_every_size_and_never_enlarged(photos: Path) -> None:
    data = section(photos, short_sides=(256, 264, 100_000))
    for sizes in read_training_photographs(photos, data).pictures:
        assert [tuple(size.shape) for size in sizes] == [(3, 256, 272)] * 3
        assert sizes[0] is sizes[1] is sizes[2]  # once in memory


def ramps(height: int, width: int) -> torch.Tensor:
    """Red counts rows, green counts columns."""
    rows = torch.arange(height, dtype=torch.uint8)[:, None].expand(height, width)
    columns = torch.arange(width, dtype=torch.uint8)[None].expand(height, width)
    return torch.stack([rows, columns, rows])


def test_random_crops_meet_every_place_and_orientation() -> None:
    data = DataSection(folder=Path(), crops="random", window=64, flips=True)
    crops = Crops([(ramps(66, 67),)], data, seed=1)
    places, orientations = set(), set()
    for epoch in range(600):
        crop = crops[epoch, 0]
        assert crop.shape == (3, 64, 64)
        red, green = crop[0].int(), crop[1].int()
        places.add((int(red.min()), int(green.min())))
        transposed = bool(red[0, 0] == red[1, 0])
        orientations.add(
            (transposed, bool(red[0, 0] > red[-1, -1]), bool(green[0, 0] > green[-1, -1]))
        )
    # 12 places, 8 orientations: 600 draws miss one with probability below 12 (11/12)^600 = 3e-22.
    assert len(places) == 12
    assert len(orientations) == 8


def test_each_size_is_drawn() -> None:
    data = DataSection(folder=Path(), crops="random", window=8, short_sides=(256, 300))
    sizes = (torch.zeros(3, 8, 8, dtype=torch.uint8), torch.ones(3, 16, 16, dtype=torch.uint8))
    crops = Crops([sizes], data, seed=1)
    assert {int(crops[epoch, 0].max()) for epoch in range(64)} == {0, 1}


def test_a_crop_is_a_function_of_seed_epoch_and_index() -> None:
    data = DataSection(folder=Path(), crops="random", window=8, flips=True, repeats=3)
    photographs = [(ramps(64, 64),), (ramps(80, 80),)]
    first, again, other = (Crops(photographs, data, seed=seed) for seed in (1, 1, 2))
    assert len(first) == 6
    backwards = {key: again[key] for key in [(e, i) for e in (2, 1) for i in range(5, -1, -1)]}
    assert all(torch.equal(first[key], crop) for key, crop in backwards.items())
    assert any(not torch.equal(other[key], crop) for key, crop in backwards.items())
    # Repeats of one photograph are crops of their own.
    assert not torch.equal(first[0, 0], first[0, 2])
