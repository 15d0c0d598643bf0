"""How long to wait before asking a server again."""

from __future__ import annotations

import random
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

__all__ = ["backoff_s", "retry_after_s"]

_FIRST_S, _LONGEST_S = 1.0, 60.0


def retry_after_s(value: str | None, now: datetime) -> float | None:
    """Seconds that a ``Retry-After`` header asks for (RFC 9110, 10.2.3).

    Parameters
    ----------
    value : str or None
        The header: whole seconds, or an HTTP date.
    now : datetime
        With a time zone.

    Returns
    -------
    float or None
        None without the header, or where it can't be understood.
    """
    value = (value or "").strip()
    if value.isascii() and value.isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    # An HTTP date is in GMT, but "-0000" parses as a time without a zone.
    moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return max(0.0, (moment - now).total_seconds())


def backoff_s(failures: int) -> float:
    """Seconds to wait after so many failures in a row: 1, 2, 4, … to 60, and up to a quarter more.

    The random part keeps clients that failed together from coming back together.
    """
    return min(_LONGEST_S, _FIRST_S * 2 ** (failures - 1)) * random.uniform(1.0, 1.25)
