"""The two planes' maps: input, output, gain per frame, and the gauge between them.

Given the field z that the chip model predicts, with ``U = F[z]``::

    Y = D G U + leak conj(D G U)

D (the output map) and G (one complex gain a frame: drift of the reference arm and of the laser)
are least-squares estimates, one given the other; the leak of the conjugate, which errors of the
reference's steps make, is one regression on all bins (`driver.calibration.reference`).  Bins that
saturated take their prediction in place of the measurement.
"""

from __future__ import annotations

import numpy as np

from driver.calibration.calibration import ComplexArray, RealArray
from driver.calibration.frames import Record
from driver.calibration.model import ChipModel
from driver.calibration.reference import conjugate_leak, remove_leak
from driver.info import DeviceInfo

__all__ = [
    "Maps",
    "centring_phase",
    "clustered",
    "fix_gauge",
    "nominal_middle_map",
    "nominal_output_map",
    "nonzero",
    "regress",
]


class Maps:
    """The output map's and the frame gains' side of the refinement.

    `gain` (F,) complex64: of each frame; `residual`: RMS of the last update's residual over RMS
    of the measured spectrum.
    """

    def __init__(self, record: Record) -> None:
        self.record = record
        self.gain: ComplexArray = np.ones(record.spectrum.shape[-1], np.complex64)
        self.residual = float("inf")
        self.output_sigma = np.zeros(record.spectrum.shape[:2])
        """Standard uncertainty of the output map, per real part."""
        self.leak_sigma = 0.0

    def update(self, chip: ChipModel, spectrum: ComplexArray) -> ComplexArray:
        """Re-estimate leak, gains and output map; return the residual referred to F[z].

        `spectrum` is ``U = F[z]``, (N, N, F).  Changes `chip.leak` and `chip.output_map`.
        """
        predicted = chip.output_map[..., None] * self.gain * spectrum
        measured = np.where(
            self.record.trusted,
            self.record.spectrum,
            predicted + np.complex64(chip.leak) * np.conj(predicted),
        )
        chip.leak = conjugate_leak(measured, predicted, chip.leak)
        clean = remove_leak(measured, chip.leak)
        del measured, predicted  # 17 MB each at 64 x 64
        mapped = chip.output_map[..., None] * spectrum
        self.gain = regress_over(clean, mapped, (0, 1))
        del mapped
        driven = self.gain * spectrum
        chip.output_map = regress_over(clean, driven, (-1,))
        residual = clean - chip.output_map[..., None] * driven
        # Bright bins are noisier: sigmas from the residuals of the very bins that weigh.
        loud = np.sum((np.abs(residual) * np.abs(driven)) ** 2, -1) / 2
        weight = np.sum(np.abs(driven) ** 2 * self.record.trusted, -1)
        self.output_sigma = np.sqrt(loud) / np.maximum(weight, 1e-30)
        power = float(np.vdot(clean, clean).real)
        # By frames: what a frame has in common is no noise of its bins.
        by_frame = np.einsum("rqf,rqf->f", residual, chip.output_map[..., None] * driven)
        weights = np.sum(np.abs(clean) ** 2, (0, 1))
        self.leak_sigma = clustered(np.real(by_frame), weights)[1]
        self.residual = float(np.sqrt(np.vdot(residual, residual).real / max(power, 1e-30)))
        return residual / (nonzero(chip.output_map)[..., None] * nonzero(self.gain))


def clustered(pull: RealArray, weight: RealArray) -> tuple[float, float]:
    """One slope from several lots of data, and its uncertainty by how the lots scatter.

    `pull` and `weight` are each lot's sums of model times measurement and model squared.  What
    the lots' noise does not explain, such as an error that a lot has in common, counts too.
    """
    total = float(np.sum(weight))
    slope = float(np.sum(pull)) / total if total else 0.0
    left = np.sum((pull - slope * weight) ** 2) * len(pull) / max(len(pull) - 1, 1)
    return slope, float(np.sqrt(left)) / total if total else 0.0


def regress(measured: ComplexArray, model: ComplexArray) -> complex:
    """Complex factor of the model that fits best."""
    power = float(np.vdot(model, model).real)
    return complex(np.vdot(model, measured) / power) if power else 0j


def regress_over(
    measured: ComplexArray, model: ComplexArray, axes: tuple[int, ...]
) -> ComplexArray:
    """Complex factor of the model that fits best, over `axes`."""
    power = np.sum(model.real**2 + model.imag**2, axes)
    slope: ComplexArray = np.sum(measured * np.conj(model), axes) / np.maximum(power, 1e-30)
    return slope.astype(np.complex64)


def nonzero(values: ComplexArray) -> ComplexArray:
    """Values kept away from 0 by a thousandth of their mean, so that they can divide."""
    floor = 1e-3 * float(np.mean(np.abs(values))) + 1e-30
    return np.where(np.abs(values) > floor, values, np.complex64(floor))


def centring_phase(size: int) -> ComplexArray:
    """``exp(2 pi i c (r + col) / N)``, c = N // 2: puts the optical axis at pixel (c, c)."""
    index = np.arange(size)
    axis = np.exp(2j * np.pi * (size // 2) * index / size)
    return np.multiply.outer(axis, axis)


def nominal_middle_map(info: DeviceInfo) -> ComplexArray:
    """Middle map of the data sheet but for the modulator's loss, (N, N) complex128.

    Between the lenses of layout 4f: the emitters' envelope, and the centring of both.
    """
    size = info.grid[0]
    centre = size // 2
    axis = np.sinc(info.nominal.element_width_fraction * (np.arange(size) - centre) / size)
    turn = np.exp(-4j * np.pi * centre**2 / size)
    return turn * centring_phase(size) ** 2 * np.multiply.outer(axis, axis)


def nominal_output_map(info: DeviceInfo) -> ComplexArray:
    """Output map of the data sheet at launch step 0, (N, N) complex128 [DN].

    Reference and signal rates, exposure, QE and system gain; the emitters' envelope
    ``sinc(w (u - c) / N)`` in each axis; the reference beam's Gaussian; the centring phase.
    """
    nominal, size = info.nominal, info.grid[0]
    centre = size // 2
    offset = np.arange(size) - centre
    envelope = np.sinc(nominal.element_width_fraction * offset / size)
    beam = np.exp(-((offset / nominal.reference_waist_px) ** 2))
    axis = envelope * beam
    rate = np.sqrt(nominal.signal_rate_photons_per_us * nominal.reference_rate_photons_per_us)
    scale = info.timing.exposure_us * nominal.qe / nominal.gain_e_per_dn * rate
    turn = np.exp(-4j * np.pi * centre**2 / size)
    return scale * turn * centring_phase(size) * np.multiply.outer(axis, axis)


def fix_gauge(chip: ChipModel, info: DeviceInfo, launch_amplitude: float) -> None:
    """Fix the complex scale between the maps, which the light cannot tell apart.

    Only their product is measured.  The output map gets the mean modulus of the nominal one at
    `launch_amplitude`, and on average its phase; the middle map of layout 4f the mean modulus of
    the nominal one, its phase staying as the fit left it.  The input map takes the rest.
    """
    nominal = nominal_output_map(info) * launch_amplitude
    modulus = np.mean(np.abs(nominal)) / np.mean(np.abs(chip.output_map))
    overlap = np.vdot(nominal, chip.output_map)
    factor = np.complex64(modulus * np.exp(-1j * np.angle(overlap)))
    chip.output_map = chip.output_map * factor
    chip.input_map = chip.input_map / factor
    if chip.middle_map is not None:
        own = np.mean(np.abs(nominal_middle_map(info))) * info.nominal.b0
        size = np.float32(np.mean(np.abs(chip.middle_map)) / own)
        chip.middle_map = chip.middle_map / size
        chip.input_map = chip.input_map * size
