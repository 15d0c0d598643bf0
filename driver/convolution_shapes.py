"""Which shapes and options of a convolution fit together: checked before anything is counted."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from driver.errors import ShapeError, ValueRangeError
from driver.numbers import shown, whole

__all__ = [
    "MOST",
    "PADDING_MODES",
    "ConvolutionShapes",
    "kernel_blocks",
    "known_padding_mode",
    "pair",
]

PADDING_MODES = ("zeros", "reflect", "replicate", "circular")

MOST = 2**31 - 1
"""Largest stride, padding, dilation or number of groups."""

LARGEST_INPUT = 1 << 31
"""Numbers of a padded input, batch and channels together: 8 GiB of float32."""


@dataclass(frozen=True)
class ConvolutionShapes:
    """A convolution as torch understands it, its shapes and options found to fit together.

    Sizes are (rows, columns).

    Attributes
    ----------
    batch, inputs, outputs, groups : int
        Pictures, channels in and out, and channel groups.
    kernel, stride, dilation : (int, int)
    padding : (int, int, int, int)
        Pixels added electronically at top, bottom, left, right.
    padding_mode : str
    size, padded, output : (int, int)
        Sizes of the picture, of the padded picture and of the result.
    """

    batch: int
    inputs: int
    outputs: int
    groups: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[int, int, int, int]
    padding_mode: str
    size: tuple[int, int]
    padded: tuple[int, int]
    output: tuple[int, int]

    @classmethod
    def checked(
        cls,
        input_shape: tuple[int, ...],
        weight_shape: tuple[int, ...],
        stride: tuple[int, int],
        padding: str | tuple[int, int],
        dilation: tuple[int, int],
        groups: int,
        padding_mode: str,
    ) -> ConvolutionShapes:
        """From an input (B, Cin, H, W) and a weight (Cout, Cin/groups, kh, kw).

        Raises
        ------
        ShapeError
            If the shapes do not fit together.
        ValueRangeError
            If an option is not one of those allowed, or the padded input is too large.
        """
        _check_channels(input_shape, weight_shape, groups)
        batch, inputs, height, width = input_shape
        outputs, _, *taps = weight_shape
        kernel = (taps[0], taps[1])
        pads = _padding_sides(padding, kernel, stride, dilation)
        _check_padding(padding_mode, (height, width), pads)
        padded = (height + pads[0] + pads[1], width + pads[2] + pads[3])
        extent = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
        if padded[0] < extent[0] or padded[1] < extent[1]:
            raise ShapeError(
                f"the kernel reaches over {extent[0]}×{extent[1]} pixels, more than the padded "
                f"input's {padded[0]}×{padded[1]}"
            )
        if batch * max(inputs, 1) * padded[0] * padded[1] > LARGEST_INPUT:
            raise ValueRangeError(
                f"the padded input would have {batch}×{inputs}×{padded[0]}×{padded[1]} numbers; "
                f"at most {LARGEST_INPUT} go through one call"
            )
        rows, columns = ((p - e) // s + 1 for p, e, s in zip(padded, extent, stride, strict=True))
        return cls(
            batch=batch,
            inputs=inputs,
            outputs=outputs,
            groups=groups,
            kernel=kernel,
            stride=stride,
            dilation=dilation,
            padding=pads,
            padding_mode=padding_mode,
            size=(height, width),
            padded=padded,
            output=(rows, columns),
        )


def pair(value: Any, name: str, least: int) -> tuple[int, int]:
    """An option for rows and columns, given as one or two whole numbers of at least ``least``."""
    given = value if isinstance(value, tuple | list) else (value, value)
    try:
        rows, columns = (whole(v, name, least, MOST) for v in given)
    except ValueError:  # also ValueRangeError; and what the wrong number of values raises
        raise ValueRangeError(
            f"{name}={shown(value)} must be a whole number from {least} to {MOST}, or two of them"
        ) from None
    return rows, columns


def _padding_sides(
    padding: str | tuple[int, int],
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
) -> tuple[int, int, int, int]:
    """Pixels to add at top, bottom, left and right; "same" puts an odd one at bottom and right."""
    if not isinstance(padding, str):
        return (padding[0], padding[0], padding[1], padding[1])
    if padding == "valid":
        return (0, 0, 0, 0)
    if padding != "same":
        raise ValueRangeError(
            f"padding={shown(padding)} is not 'same', 'valid', an int or two ints"
        )
    if stride != (1, 1):
        raise ValueRangeError("padding='same' needs stride=1")
    total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
    return (
        total[0] // 2,
        total[0] - total[0] // 2,
        total[1] // 2,
        total[1] - total[1] // 2,
    )


def _check_channels(
    input_shape: tuple[int, ...], weight_shape: tuple[int, ...], groups: int
) -> None:
    """Refuse inputs and weights that are empty, of wrong rank, or do not fit the groups."""
    if len(input_shape) != 4 or len(weight_shape) != 4:
        raise ShapeError(
            f"input {input_shape} and weight {weight_shape} must have 4 dimensions: "
            "(batch, channels, rows, columns) and (out, in/groups, rows, columns)"
        )
    if min(input_shape) < 1 or min(weight_shape) < 1:
        raise ShapeError(f"input {input_shape} and weight {weight_shape} must not be empty")
    if input_shape[1] != weight_shape[1] * groups:
        raise ShapeError(
            f"input has {input_shape[1]} channels, but weight {weight_shape} with groups={groups} "
            f"takes {weight_shape[1] * groups}"
        )
    if weight_shape[0] % groups:
        raise ShapeError(f"{weight_shape[0]} output channels cannot form {groups} groups")


def kernel_blocks(taps: int, dilation: int, grid: int) -> list[tuple[int, int]]:
    """Cut a kernel's taps into the blocks that need fewest tiles: [(first, taps)].

    A block of extent e leaves N-e+1 of N pixels free of wrap-around, so n blocks cost
    n / (N-e+1); a kernel that is larger than a tile has to be cut.
    """

    def valid(count: int) -> int:
        return grid - (-(-taps // count) - 1) * dilation

    count = min((n for n in range(1, taps + 1) if valid(n) > 0), key=lambda n: (n / valid(n), n))
    edges = [taps * i // count for i in range(count + 1)]
    return [(a, b - a) for a, b in pairwise(edges)]


def known_padding_mode(padding_mode: Any) -> str:
    """The padding mode as it is, or a ValueRangeError."""
    if not isinstance(padding_mode, str) or padding_mode not in PADDING_MODES:
        raise ValueRangeError(
            f"padding_mode={shown(padding_mode)} is not one of {', '.join(PADDING_MODES)}"
        )
    return padding_mode


def _check_padding(
    padding_mode: str, size: tuple[int, int], pads: tuple[int, int, int, int]
) -> None:
    """Refuse a padding that would need more picture than there is."""
    for n, before, after in zip(size, pads[0::2], pads[1::2], strict=True):
        limit = {"reflect": n - 1, "circular": n}.get(padding_mode)
        if limit is not None and max(before, after) > limit:
            raise ShapeError(
                f"padding_mode={padding_mode!r} can add at most {limit} pixels to {n}, not "
                f"{max(before, after)}"
            )
