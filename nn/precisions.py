"""Precisions in a word: what an operator of torch, which takes no objects, is told of them."""

from __future__ import annotations

from driver.precision import PRECISIONS, PassOptions, Precision

__all__ = ["precision_of", "word_for"]


def word_for(precision: str | Precision) -> str:
    """A preset's name, or all fields of a `Precision` of the caller's own.

    Raises
    ------
    ValueError
        If there is no preset of that name.
    """
    if isinstance(precision, Precision):
        passes = (precision.pictures, precision.products)
        words = [p.exposure + "+residual" * p.residual for p in passes]
        packed = "packed" if precision.pack else "alone"
        return ":".join([precision.name, *words, packed, "seams" if precision.seams else "halos"])
    if precision not in PRECISIONS:
        raise ValueError(
            f"precision must be one of {tuple(PRECISIONS)} or a driver.precision.Precision, "
            f"got {precision!r}"
        )
    return precision


def precision_of(word: str) -> str | Precision:
    """What `word_for` was given."""
    if ":" not in word:
        return word
    name, pictures, products, pack, seams = word.rsplit(":", 4)
    return Precision(name, _pass(pictures), _pass(products), pack == "packed", seams == "seams")


def _pass(word: str) -> PassOptions:
    exposure, _, residual = word.partition("+")
    return PassOptions(exposure, bool(residual))  # type: ignore[arg-type]
