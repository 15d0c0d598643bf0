"""When a pilot frame is due: the rhythm of drift tracking."""

from __future__ import annotations

__all__ = ["PILOT_MAX_AGE_S", "PILOT_PERIOD"]

PILOT_PERIOD = 24
"""Frames between pilot frames: 4 % of frames (DESIGN allows 5 %)."""

PILOT_MAX_AGE_S = 0.25
"""A job begins with a pilot when the last one is older than this [s]."""
