"""Enlarging pictures of any size ×8, window by window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from torch import nn

from nn import SuperResolutionModel
from nn.pretrained import available_weights
from opticonv.errors import CommandError
from opticonv.metering import plan_network

__all__ = ["HALO", "SCALE", "WINDOW", "enlarge", "load_network", "planned_frames"]

SCALE = 8

WINDOW = 256
"""Pixels of the input along a side that are enlarged at a time; bounds the working memory."""

HALO = 8
"""Pixels of the input around a window that its enlargement can depend on.

Five 3×3 layers at the input's scale reach 5 pixels, two at twice that 1, one at four times 1/4:
less than 7.  So a picture that is enlarged window by window is the same as one enlarged at once.
"""


@dataclass(frozen=True)
class _Window:
    """Its own rows and columns [from, to) of the input; top, bottom, left, right with its halo."""

    rows: tuple[int, int]
    columns: tuple[int, int]
    seen: tuple[int, int, int, int]

    @property
    def size(self) -> tuple[int, int]:
        top, bottom, left, right = self.seen
        return bottom - top, right - left


def _spans(length: int) -> list[tuple[int, int]]:
    """Nearly equal parts of at most `WINDOW` pixels."""
    parts = -(-length // WINDOW)
    edges = [round(length * part / parts) for part in range(parts + 1)]
    return list(pairwise(edges))


def _windows(height: int, width: int) -> Iterator[_Window]:
    for rows in _spans(height):
        for columns in _spans(width):
            top, bottom = max(rows[0] - HALO, 0), min(rows[1] + HALO, height)
            left, right = max(columns[0] - HALO, 0), min(columns[1] + HALO, width)
            yield _Window(rows, columns, (top, bottom, left, right))


def _scaled(span: tuple[int, int], origin: int = 0) -> slice:
    """Of the enlarged picture, what corresponds to input pixels `span`, counted from `origin`."""
    return slice(SCALE * (span[0] - origin), SCALE * (span[1] - origin))


def enlarge(
    model: nn.Module,
    picture: torch.Tensor,
    on_window: Callable[[float], None] | None = None,
) -> torch.Tensor:
    """Enlarge a picture ×8.

    Parameters
    ----------
    model : torch.nn.Module
        `nn.SuperResolutionModel`, electronic or optical.
    picture : torch.Tensor, shape (3, H, W), uint8
    on_window : callable, optional
        Called after each window with the fraction of the picture that is done.

    Returns
    -------
    torch.Tensor, shape (3, 8*H, 8*W), uint8
        Clamped to [0, 1] and rounded, as a file holds it.
    """
    height, width = picture.shape[-2:]
    result = torch.empty(3, SCALE * height, SCALE * width, dtype=torch.uint8)
    windows = list(_windows(height, width))
    for done, window in enumerate(windows, 1):
        top, bottom, left, right = window.seen
        with torch.no_grad():
            output = model(picture[None, :, top:bottom, left:right].float() / 255.0)[0]
        rows, columns = window.rows, window.columns
        own = output[:, _scaled(rows, top), _scaled(columns, left)]
        result[:, _scaled(rows), _scaled(columns)] = (
            (own.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8)
        )
        if on_window is not None:
            on_window(done / len(windows))
    return result


def planned_frames(model: nn.Module, size: tuple[int, int], *, grid: int, precision: str) -> int:
    """Data frames that `enlarge` takes on an N×N device for a picture of `size` (H, W)."""
    return sum(
        plan.frames
        for window in _windows(*size)
        for plan in plan_network(model, window.size, grid=grid, precision=precision).values()
    )


def load_network(weights: str) -> SuperResolutionModel:
    """The electronic network with packaged weights, or those of a .safetensors file.

    Raises
    ------
    CommandError
        There are no such weights, or the file isn't one of this network's.
    """
    if not weights.endswith(".safetensors"):
        if weights not in available_weights():
            known = ", ".join(available_weights())
            raise CommandError(
                f"no weights named {weights!r}; there are {known}, or name a .safetensors file"
            )
        return SuperResolutionModel.from_pretrained(weights)
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    model = SuperResolutionModel()
    if not Path(weights).is_file():
        raise CommandError(f"there is no file {weights}")
    try:
        model.load_state_dict(load_file(weights))
    except SafetensorError as error:
        raise CommandError(f"{weights} is not a sound .safetensors file: {error}") from None
    except RuntimeError:
        raise CommandError(f"{weights} does not hold the weights of this network") from None
    return model.eval()
