"""Networks to count: the well-known ones by name, a user's own by file."""

from __future__ import annotations

from opticonv.networks.registry import (
    BUILT_IN,
    CHARTED,
    Network,
    load_network_named,
    title_of,
)

__all__ = ["BUILT_IN", "CHARTED", "Network", "load_network_named", "title_of"]
