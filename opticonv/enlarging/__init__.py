"""Enlarging pictures of any size ×8: which windows, read, enlarge, write.

A picture flows through in bands of rows, so that neither the network's activations nor the
enlarged picture have to fit in memory:

`reading` (file → `Picture`) → `windowed` (network, window by window) → `bands` (finished rows:
quantised, transparency beside them) → `matching` (optional) → `writing` (rows → file).
`jobs` decides what is read and written where, `run` does it, `planning` says what it will take.
"""

from opticonv.enlarging.network import load_network
from opticonv.enlarging.planning import planned_frames
from opticonv.enlarging.windowed import enlarge

__all__ = ["SCALE", "enlarge", "load_network", "planned_frames"]

SCALE = 8
"""What every network here enlarges by."""
