"""The device that a process trains on: opened, calibrated, and taken up again after a break."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from driver import Device, SessionState, open_device
from driver.errors import CapabilityError
from nn.training.config import OpticsSection

__all__ = ["TrainingOptics"]

log = logging.getLogger(__name__)


class TrainingOptics:
    """One process's device.

    Parameters
    ----------
    optics : OpticsSection
        With a device.
    folder : Path
        Of the run: a calibration that is measured here is kept in it.
    resuming : bool
        Take up the calibration kept there, in place of a new one: `restore` follows.
    rank, world : int
        Number of the process, and how many there are.

    Attributes
    ----------
    device : Device

    Raises
    ------
    ValueError
        Several processes would open one and the same specimen, or there is no calibration to
        take up.
    driver.DriverError
        The device cannot be opened or calibrated.
    """

    def __init__(
        self, optics: OpticsSection, folder: Path, *, resuming: bool, rank: int, world: int
    ) -> None:
        assert optics.device is not None
        if world > 1 and "seed=" in optics.device and "{rank}" not in optics.device:
            raise ValueError(
                f"{world} processes need a device each, and all would open {optics.device}: "
                "leave its seed to optics.seed, or put {rank} into the URI"
            )
        seed = optics.seed
        if seed is None and world > 1 and "{rank}" not in optics.device:
            seed = 0
        self.device = open_device(
            optics.device.replace("{rank}", str(rank)),
            **({} if seed is None else {"seed": seed + rank}),
        )
        try:
            self._calibrate(optics, folder / f"calibration-{rank}.h5", rank, resuming)
        except BaseException:
            self.device.close()
            raise

    def _calibrate(self, optics: OpticsSection, kept: Path, rank: int, resuming: bool) -> None:
        device: Device = self.device
        if optics.calibration is not None:
            device.load_calibration(optics.calibration.replace("{rank}", str(rank)))
        elif device.info.nominal_is_true:
            return  # nothing to calibrate
        elif resuming:
            if not kept.exists():
                raise ValueError(f"the run cannot go on: its calibration {kept} is gone")
            device.load_calibration(kept)
        else:
            kept.parent.mkdir(parents=True, exist_ok=True)
            device.calibrate().save(kept)

    def state(self) -> dict[str, Any] | None:
        """Where the device's session stands, for a checkpoint; None if its clock is its own."""
        try:
            state = asdict(self.device.session_state())
        except CapabilityError:
            return None
        # uint16 does not travel between processes: int32 holds it, float32 holds fractions.
        codes: NDArray[Any] = state["codes"]
        held = codes if codes.dtype == np.float32 else codes.astype(np.int32)
        return {**state, "codes": torch.from_numpy(held)}

    def restore(self, state: Mapping[str, Any] | None) -> None:
        """Go on from there.

        Raises
        ------
        driver.DriverError
            The state is another device's.
        """
        if state is None:
            log.warning("this device cannot be set back: the run goes on with other noise")
            return
        codes = state["codes"].numpy().astype(self.device.info.code_dtype)
        self.device.restore(SessionState(**{**state, "codes": codes}))

    def close(self) -> None:
        """Close the device."""
        if not self.device.closed:
            self.device.close()
