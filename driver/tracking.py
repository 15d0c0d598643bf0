"""When a pilot frame is due: the rhythm of drift tracking."""

from __future__ import annotations

__all__ = ["PACK_PHASE_SIGMA_RAD", "PILOT_MAX_AGE_S", "PILOT_PERIOD"]

PILOT_PERIOD = 24
"""Frames between pilot frames: 4 % of frames (DESIGN allows 5 %)."""

PILOT_MAX_AGE_S = 0.25
"""A job begins with a pilot when the last one is older than this [s]."""

PACK_PHASE_SIGMA_RAD = 5e-3
"""Tracked phase sigma beyond which two pictures no longer share a frame [rad]: 5 mrad leak 0.5 % of
one into the other."""
