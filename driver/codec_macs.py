"""Real multiply-accumulates of the frame path's electronics, per pixel.

Counted line by line in ``csrc/kernels`` (`encode_impl.h`, `precompensate_impl.h`, `predict_impl.h`,
`decode_impl.h`): every
real multiplication, with or without an addition, is one.  `driver.macs` says what is left out.
"""

from __future__ import annotations

__all__ = ["DRIFT_MACS", "PILOT_MACS", "decode_macs", "encode_macs"]

#: Heaters of a pixel, what each feels (eight neighbours and its partner), real MACs of a complex
#: product, and of a squared magnitude.
HEATERS, FELT, PRODUCT, SQUARE = 4, 9, 4, 2

#: Target to chip: normalise and conjugate, divide by the input map, power, and the stages' reach.
_TARGET = 2 + PRODUCT + SQUARE + 2

#: Power and phase to heat: the scaled power; two bounds, and six for cosine, sine and transmission,
#: of each stage; the product of both and what is left of the phase.
_HEAT = (SQUARE + 1) + 2 * (2 + 6) + 2 * PRODUCT

#: Each heater's milliwatts per turn and first guess.
_GUESS = 2

#: The second ring of neighbours: three coefficients for sums of rows, the farther ones twice more.
RING = 3 + 3

#: The substrate: moments of the power by three cosines across, in 16 lanes by three down (9 / 4 a
#: pixel at N = 64); the warmth by three cosines, and off both theta's heat.
_MOMENTS, _WARMTH = 2 + 3, 2
_SUBSTRATE = _MOMENTS + _WARMTH + 2

#: An operand to the second chip: normalise and conjugate, divide by the middle map, power and
#: reach; what it lets through of a picture's spectrum: normalised, squared, weighted by row and
#: column.
_OPERAND = (2 + PRODUCT + SQUARE + 1) + (2 + SQUARE + 2)

#: What the first stage shows beside its target, through the second: scaled, squared, its floor
#: squared, times what the second lets through.
_SHOWN = 2 + SQUARE + SQUARE + 2

#: Two rounds of Jacobi's method: mean couplings (sums of neighbours by five), then each one's own.
_CROSSTALK = 5 + FELT + RING

#: Power to code: rising resistance (2), full power.
_CODES = 3

#: Without operand stage b's phi is held: what theta b does to it, guessed and solved, is phi a's.
_HELD = 2

#: Prediction of the brightest bin: energy, and up to ten lags on every fourth row.
_PREDICTION = SQUARE + 10 * PRODUCT // 4

#: Codes back to the field they give: power of each heater (5), heat felt, turns, and warmth of the
#: substrate; two stages' real and imaginary parts, their products, the difference from the target,
#: and its power and reach.
_REALISED = (
    HEATERS * (5 + FELT + RING + 1)
    + (_MOMENTS + 2 * _WARMTH)
    + (2 * 2 + 2 * PRODUCT + 2 + SQUARE + 2)
)

#: Codes back to the field of the first stage alone: heat of all four, two turns, one stage.
_REALISED_FIRST = (
    HEATERS * (5 + FELT + RING) + 2 + (_MOMENTS + _WARMTH) + (2 + PRODUCT + 2 + SQUARE + 1)
)

#: Four counts to one complex number: quarter differences, and the conjugate's leak removed.
_COMBINE = 2 + 6

#: Complex drift gain divided out of an item's result.
DRIFT_MACS = PRODUCT

#: A pilot's gain: combined, launch gain, correlation with the expected spectrum and its norm.
PILOT_MACS = _COMBINE + PRODUCT + PRODUCT + SQUARE


def encode_macs(residual: bool, *, operand: bool = False) -> int:
    """Real MACs per pixel to encode one item: a frame, and its residual frame if there is one.

    `operand`: the second stage has a target of its own, and a residual frame is the first's.
    """
    solved = HEATERS if operand else HEATERS - 1
    heat = _HEAT + _SUBSTRATE + solved * (_GUESS + _CROSSTALK + _CODES)
    if operand:
        again = _REALISED_FIRST + heat + _SHOWN
        return _TARGET + heat + _PREDICTION + _OPERAND + _SHOWN + (again if residual else 0)
    frame = heat + _HELD + _PREDICTION
    return _TARGET + frame + (_REALISED + frame if residual else 0)


def decode_macs(exposures: int) -> int:
    """Real MACs per pixel to decode one frame from its exposures.

    Each: combined, launch gain, and where there are several a variance, a weight and two weighted
    sums.  Once: the sum's norm where there are several, the output map, the scale.
    """
    merging, norm = (4, 2) if exposures > 1 else (0, 0)
    return exposures * (_COMBINE + PRODUCT + merging) + norm + PRODUCT + 2
