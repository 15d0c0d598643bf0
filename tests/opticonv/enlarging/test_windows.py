from __future__ import annotations

import numpy as np
import pytest

from opticonv.enlarging.windows import rows_of_windows


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 50), (13, 14), (40, 27)])
@pytest.mark.parametrize("grain", [1, 4])
def test_windows_cover_a_picture_once_with_rims_inside_it(
    height: int, width: int, grain: int
) -> None:
    covered = np.zeros((height, width), int)
    for row in rows_of_windows(height, width, halo=8, tile=13, grain=grain):
        for window in row:
            covered[slice(*window.rows), slice(*window.columns)] += 1
            assert window.pixels <= 13 * 13
            for own, seen, length in (
                (window.rows, window.seen_rows, height),
                (window.columns, window.seen_columns, width),
            ):
                assert seen == (max(own[0] - 8, 0), min(own[1] + 8, length))
                assert seen[0] % grain == 0
    assert (covered == 1).all()


def test_a_windows_own_part_of_what_it_sees() -> None:
    row = next(rows_of_windows(10, 30, halo=3, tile=10))
    assert row[1].seen_size == (10, 16)
    assert row[1].own(8) == (slice(0, 80), slice(24, 104))
