from __future__ import annotations

from pathlib import Path

import pytest

from opticonv.errors import CommandError
from opticonv.evaluate.sets import BATCH_PIXELS, batches, open_sets, parse_seeds


def test_sets_are_named_folders(pictures: Path) -> None:
    (mine,) = open_sets([f"mine={pictures}"], limit=2)
    assert (mine.name, mine.names) == ("mine", ("face", "flag"))


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ([], "name a set"),
        (["pictures"], "NAME=FOLDER"),
        (["=pictures"], "NAME=FOLDER"),
        (["mine=absent"], "mine: there is no folder absent"),
        (["mine={}", "mine={}"], "two sets are named 'mine'"),
        (["mine={}:validation"], "mine: no usable validation picture"),
    ],
)
def test_what_is_wrong_with_a_set_is_said(given: list[str], fault: str, pictures: Path) -> None:
    with pytest.raises(CommandError, match=fault):
        open_sets([text.format(pictures) for text in given], None)


def test_batches_are_of_one_size_and_bounded(pictures: Path) -> None:
    class Many:
        name = "many"
        names = tuple(map(str, range(30)))

        def size(self, index: int) -> tuple[int, int]:
            return (256, 256) if index % 3 else (2048, 2048)

    many = Many()
    found = list(batches(many, range(30)))  # type: ignore[arg-type]
    assert sorted(index for batch in found for index in batch) == list(range(30))
    for batch in found:
        (size,) = {many.size(index) for index in batch}
        pixels = size[0] * size[1] // 64
        assert len(batch) * pixels <= BATCH_PIXELS or len(batch) == 1
    assert max(map(len, found)) == 8
    (mine,) = open_sets([f"mine={pictures}"], None)
    assert list(batches(mine, range(3))) == [[0, 1], [2]]


def test_seeds_are_a_list() -> None:
    assert parse_seeds(None) == (None,)
    assert parse_seeds("7") == (7,)
    assert parse_seeds("7, 8,9") == (7, 8, 9)
    for wrong in ("", "7,", "seven", "7,7", "-1"):
        with pytest.raises(CommandError, match="such as 7,8,9"):
            parse_seeds(wrong)
