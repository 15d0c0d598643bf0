"""When two pictures may share a frame: only while the tracked phase is known well enough.

A phase error mixes the real and imaginary part of a frame, and with them the two pictures packed
into it: in first order, where an unpacked picture loses only in second.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from driver.caller import warn_caller
from driver.errors import PackingWarning
from driver.precision import Precision, preset
from driver.telemetry import Tracked
from driver.tracking import PACK_PHASE_SIGMA_RAD

__all__ = ["precision_for"]


def precision_for(
    device: Any,
    precision: str | Precision,
    pack: bool | None,
    product: str = "electronic",
    layout: str = "mft",
) -> Precision:
    """The preset as it can be kept on this device now: without packing if its phase wanders.

    Packing that the caller asks for by `pack` stays.

    Raises
    ------
    ValueRangeError
        There is no preset of that name.
    """
    chosen = preset(precision, pack, product, layout)
    if pack is not None or not chosen.pack:
        return chosen
    tracked: Tracked | None = getattr(device, "tracked", None)
    sigma = 0.0 if tracked is None else tracked.phase_sigma_rad
    if sigma <= PACK_PHASE_SIGMA_RAD:
        return chosen
    warn_caller(
        f"packing is off: the phase between pilots is known to {1e3 * sigma:.1f} mrad only, and "
        f"two pictures share a frame up to {1e3 * PACK_PHASE_SIGMA_RAD:.0f} mrad",
        PackingWarning,
    )
    return replace(chosen, pack=False)
