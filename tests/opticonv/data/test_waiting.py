from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from opticonv.data.waiting import backoff_s, retry_after_s

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0.0),
        (" 120 ", 120.0),
        ("Tue, 24 Nov 2026 12:00:30 GMT", 30.0),
        ("Tuesday, 24-Nov-26 12:00:30 GMT", 30.0),  # the obsolete forms that RFC 9110 still lists
        ("Tue Nov 24 12:00:30 2026", 30.0),
        ("Tue, 24 Nov 2026 13:00:30 +0100", 30.0),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("Tue, 99 Nov 2026 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str | None, seconds: float | None) -> None:
    assert retry_after_s(header, NOW) == seconds


def test_a_date_is_counted_from_now() -> None:
    header = "Tue, 24 Nov 2026 12:00:30 GMT"
    assert retry_after_s(header, NOW + timedelta(seconds=10)) == 20.0


def test_waits_double_to_a_minute_with_a_quarter_at_random() -> None:
    for failures, least in [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (50, 60)]:
        drawn = [backoff_s(failures) for _ in range(50)]
        assert all(least <= wait <= 1.25 * least for wait in drawn)
        assert len(set(drawn)) > 1
