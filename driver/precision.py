"""Named precisions of a convolution: how each of its two passes is exposed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from driver.errors import ValueRangeError
from driver.exposure import EXPOSURES
from driver.numbers import shown, switch

__all__ = ["PRECISIONS", "Exposure", "PassOptions", "Precision", "preset"]

Exposure = Literal["single", "two_gain", "averaged"]


@dataclass(frozen=True)
class PassOptions:
    """How one pass through the device is exposed.

    ``residual`` adds a second frame to each, for what the first could not realise.
    """

    exposure: Exposure
    residual: bool = False

    @property
    def frames_per_item(self) -> int:
        return 2 if self.residual else 1

    @property
    def exposures_per_frame(self) -> int:
        return len(EXPOSURES[self.exposure])


@dataclass(frozen=True)
class Precision:
    """A preset: how pictures (pass 1) and products (pass 2) go through the device.

    ``pack`` sends two real pictures in each complex frame: half the frames, but a phase error acts
    in first order (30 mrad: 3 % packed, 0.05 % unpacked).  ``seams`` lets light leave out the halos
    of tiles, and electronics correct what that spoils, where it saves both of them work
    (`driver.plan`).
    """

    name: str
    pictures: PassOptions
    products: PassOptions
    pack: bool = True
    seams: bool = True


PRECISIONS = {
    p.name: p
    for p in (
        Precision("fast", PassOptions("single"), PassOptions("single")),
        Precision("balanced", PassOptions("two_gain"), PassOptions("two_gain")),
        Precision("best", PassOptions("averaged"), PassOptions("averaged", residual=True)),
    )
}


def preset(
    precision: str | Precision,
    pack: bool | None = None,
    product: str = "electronic",
    layout: str = "mft",
) -> Precision:
    """The preset of that name, or one of the caller's own, with its packing overridden if given.

    Where the chip multiplies (``product="optical"``), presets by name have a residual frame for
    products: without one the first stage's floor buries them (`driver.optical_product`).  The one
    pass of layout 4f has the products' residual frame, if two pictures share a frame; alone they
    stand on a pedestal and need none (`driver.one_pass`).

    Raises
    ------
    ValueRangeError
        If there is no preset of that name, or `pack` is none of True, False and None.
    """
    if not isinstance(precision, Precision):
        try:
            named = PRECISIONS[precision]
        except (KeyError, TypeError):
            raise ValueRangeError(
                f"precision={shown(precision)} is not one of {', '.join(PRECISIONS)}"
            ) from None
        precision = named
        if product == "optical":
            precision = replace(named, products=replace(named.products, residual=True))
        if layout == "4f" and named.products.residual and pack is not False:
            precision = replace(named, pictures=replace(named.pictures, residual=True))
    return precision if pack is None else replace(precision, pack=switch(pack, "pack"))
