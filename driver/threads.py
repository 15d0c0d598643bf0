"""How many threads a job may use."""

from __future__ import annotations

import os
import sys

__all__ = ["default_threads"]


def default_threads() -> int:
    """What torch uses if it is loaded, else OMP_NUM_THREADS, else the processors there are."""
    torch = sys.modules.get("torch")
    if torch is not None:
        return int(torch.get_num_threads())
    text = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    return int(text) if text.isdigit() and int(text) > 0 else len(os.sched_getaffinity(0))
