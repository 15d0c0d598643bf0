"""The laboratory bench: the device, and what the routines have found of it so far."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from driver.calibration.calibration import ComplexArray, RealArray
from driver.calibration.frames import CalibrationDevice, Record, stepped_spectrum, take
from driver.calibration.model import ChipModel, chip_of, cold_power_mw
from driver.calibration.nominal import nominal_calibration
from driver.calibration.pilot import Pilot
from driver.calibration.reciprocity import SymmetricLinks
from driver.calibration.refinement import Refinement
from driver.info import DeviceInfo

__all__ = ["Bench", "Progress"]

Progress: TypeAlias = Callable[[str, float], None]
"""Called with the routine's name and the fraction of the whole that is done, 0..1."""

SEED = 20260
"""Of the random settings: the same device calibrated at the same time sees the same frames."""


class Bench:
    """What routines hand to each other.  Each attribute is set by the routine named beside it.

    Parameters
    ----------
    device
        The device on the bench.
    progress
        Told of each routine as it begins or gets on.
    """

    black_dn: RealArray
    """dark: (N, N) black level with dark signal at the default exposure [DN]."""
    black_sigma_dn: RealArray
    """dark: its uncertainty."""
    read_noise_dn: float
    """dark: temporal dark noise, quantisation taken out [DN]."""
    dark_variance_dn2: float
    """dark: temporal variance of dark counts, quantisation and all [DN^2]."""
    gain_e_per_dn: float
    """photon_transfer: system gain [e-/DN]."""
    saturation_dn: float
    """photon_transfer: counts from here on are saturated [DN]."""
    reference_dn: RealArray
    """flat: (N, N) reference beam alone, black subtracted [DN]."""
    camera_dead: NDArray[np.bool_]
    """dark, flat: (N, N) camera pixels that cannot be used."""
    still: NDArray[np.bool_]
    """heaters: (2, 2, N, N) heaters that do not follow their codes."""
    launch_step: int
    """heaters: launch step of the main frames."""
    main: Record
    """heaters: frames with all heaters at random."""
    last_main: Record | None = None
    """heaters: in layout 4f, frames with stage b at random under a few settings of stage a."""
    refinement: Refinement
    """heaters: the fit of all pixels to the main frames; in layout 4f of stage a."""
    last_refinement: Refinement | None = None
    """heaters: in layout 4f, the fit of stage b to frames of its own."""
    links: SymmetricLinks
    """heaters: links and strengths, both ends of a link being one."""
    substrate_strength: float = 1.0
    """heaters: the substrate's warmth over the data sheet's."""
    substrate_sigma: float = 0.0
    """heaters: its uncertainty; 0 where the data sheet has none."""
    link_sigma: RealArray
    """crosstalk: (2, 2, 4, N, N)."""
    launch_gain: ComplexArray
    """launch: (L,)."""
    chip_dead: NDArray[np.bool_]
    """dead_pixels: (N, N) chip pixels with a stuck heater."""
    pilot: Pilot
    """drift."""

    def __init__(self, device: CalibrationDevice, progress: Progress | None = None) -> None:
        self.device = device
        self.info: DeviceInfo = device.info
        self.rng = np.random.default_rng(SEED)
        self.chip: ChipModel = chip_of(nominal_calibration(self.info), self.info).single()
        self.camera_dead = np.zeros(self.info.grid, bool)
        self.still = np.zeros((2, 2, *self.info.grid), bool)
        self._progress = progress
        self._share = (0.0, 0.0)
        self._name = ""

    def begin(self, name: str, first: float, last: float) -> None:
        """Announce a routine that takes the whole from one fraction to another."""
        self._name, self._share = name, (first, last)
        self.progress(0.0)

    def progress(self, fraction: float) -> None:
        """Tell how far the present routine is, 0..1."""
        first, last = self._share
        if self._progress is not None:
            self._progress(self._name, first + (last - first) * fraction)

    def take(self, codes: NDArray[Any], launch_step: int) -> Record:
        """Expose frames of `codes` (n, 2, 2, N, N); dead camera pixels are not trusted."""
        record = take(self.device, codes, launch_step, self.saturation_dn, self.reference_dn)
        record.cold[self.still] = 0
        if np.any(self.camera_dead):
            record.trusted[self.camera_dead] = False
            record.spectrum[self.camera_dead] = 0
        return record

    def spectrum(self, counts: NDArray[Any]) -> tuple[ComplexArray, NDArray[np.bool_]]:
        """Y of counts (..., steps, N, N) and which of its bins can be trusted, (..., N, N)."""
        y, trusted = stepped_spectrum(counts, self.saturation_dn, self.reference_dn)
        return y, trusted & ~self.camera_dead

    @property
    def noise_of_y(self) -> float:
        """Variance of a real part of Y over that of a count of mean light.

        Four steps: two counts over 16; three: two over 4.
        """
        return 1 / 8 if self.info.reference_steps == 4 else 1 / 2

    def cold(self, codes: NDArray[Any]) -> RealArray:
        """Cold powers of codes, (2, 2, N, N, frames) [mW]; a heater that stands still has none.

        Its heat is the same in all frames, and so a part of theta0 and the input map about it.
        """
        power = cold_power_mw(codes, self.info)
        power[self.still] = 0
        return power

    def heaters_off(self, frames: int) -> NDArray[Any]:
        """Codes of frames without heat, (frames, 2, 2, N, N)."""
        return np.zeros((frames, 2, 2, *self.info.grid), self.info.code_dtype)
