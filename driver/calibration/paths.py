"""From the stages that a fit looks at to the camera, and back: what lies between, by layout.

In layout mft both stages are in front of the one lens.  In 4f a fit looks at one stage while the
other stands still.  The last one sits in light of which nothing is known but that it is the same
in all frames of a setting of the first; the first one sits behind two lenses with a still plane
between them.  Both unknowns, a factor for each pixel, come out of the same frames.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from driver.calibration.calibration import ComplexArray, RealArray
from driver.calibration.model import ChipModel, HeatedChip, fourier, fourier_inverse
from driver.calibration.planes import nonzero

__all__ = ["FirstStage", "LastStage", "Path", "Straight", "one_stage"]


class Path(Protocol):
    """The way from a field ``carrier (1 + arm_a) (1 + arm_b)`` to the camera."""

    stages: tuple[int, ...]
    """Stages that are fitted."""

    def heated(self, chip: ChipModel, cold: RealArray) -> HeatedChip:
        """The stages under cold powers, in the light that falls on them."""
        ...

    def spectrum(self, field: ComplexArray) -> ComplexArray:
        """What the output map multiplies, of the stages' field; both (N, N, frames)."""
        ...

    def residual(self, spectrum: ComplexArray, field: ComplexArray) -> ComplexArray:
        """What is left of the stages' field, of what is left of `spectrum`.

        What a better factor explains is taken off, and the factor improved.
        """
        ...


class Straight:
    """Layout mft."""

    stages: tuple[int, ...] = (0, 1)

    def heated(self, chip: ChipModel, cold: RealArray) -> HeatedChip:
        """As :class:`Path` says."""
        return chip.heated(cold)

    def spectrum(self, field: ComplexArray) -> ComplexArray:
        """As :class:`Path` says."""
        return fourier(field)

    def residual(self, spectrum: ComplexArray, field: ComplexArray) -> ComplexArray:
        """As :class:`Path` says."""
        return fourier_inverse(spectrum)


class LastStage:
    """Layout 4f, stage b in unknown light.

    Parameters
    ----------
    light
        (N, N, settings): what falls on each pixel, the middle map's factor with it.
    setting
        (frames,): setting of stage a in each frame.
    """

    stages: tuple[int, ...] = (1,)

    def __init__(self, light: ComplexArray, setting: NDArray[np.int_]) -> None:
        self.light, self.setting = light, setting

    def heated(self, chip: ChipModel, cold: RealArray) -> HeatedChip:
        """As :class:`Path` says."""
        heated = chip.heated(cold)
        heated.carrier *= self.light[..., self.setting]
        return heated

    def spectrum(self, field: ComplexArray) -> ComplexArray:
        """As :class:`Path` says."""
        return fourier(field)

    def residual(self, spectrum: ComplexArray, field: ComplexArray) -> ComplexArray:
        """As :class:`Path` says."""
        left = fourier_inverse(spectrum)
        for index in range(self.light.shape[-1]):
            frames = self.setting == index
            own = field[..., frames]
            change = _factor(left[..., frames], own)
            left[..., frames] -= change[..., None] * own
            self.light[..., index] *= 1 + change
        return left


class FirstStage:
    """Layout 4f, stage a with stage b at rest.

    Parameters
    ----------
    between
        (N, N): the middle map times what stage b transmits at rest.
    """

    stages: tuple[int, ...] = (0,)

    def __init__(self, between: ComplexArray) -> None:
        self.between = between

    def heated(self, chip: ChipModel, cold: RealArray) -> HeatedChip:
        """As :class:`Path` says."""
        return chip.heated(cold)

    def spectrum(self, field: ComplexArray) -> ComplexArray:
        """As :class:`Path` says."""
        return fourier(self.between[..., None] * fourier(field))

    def residual(self, spectrum: ComplexArray, field: ComplexArray) -> ComplexArray:
        """As :class:`Path` says."""
        left = fourier_inverse(spectrum)
        own = self.between[..., None] * fourier(field)
        change = _factor(left, own)
        left -= change[..., None] * own
        self.between *= 1 + change
        return fourier_inverse(left / nonzero(self.between)[..., None])


def _factor(measured: ComplexArray, model: ComplexArray) -> ComplexArray:
    """Complex factor of the model that fits best over frames, (N, N)."""
    power = np.sum(model.real**2 + model.imag**2, -1)
    slope: ComplexArray = np.sum(measured * np.conj(model), -1) / np.maximum(power, 1e-30)
    return slope.astype(np.complex64)


def one_stage(chip: ChipModel, stage: int, source: ComplexArray) -> ChipModel:
    """A view of one stage of a 4f chip model, the other one being as good as not there.

    Changes of its heaters are changes of `chip`'s; `rho` and `input_map` are its own.
    """
    rho = np.zeros_like(chip.rho)
    rho[stage] = chip.rho[stage]
    return ChipModel(
        rho=rho,
        theta0=chip.theta0,
        kappa=chip.kappa,
        beta=chip.beta,
        links=chip.links,
        partner=chip.partner,
        strength=chip.strength,
        input_map=source,
        output_map=chip.output_map,
        leak=chip.leak,
        ring=chip.ring,
        substrate=chip.substrate,
        middle_map=chip.middle_map,
    )
