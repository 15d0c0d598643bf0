"""A network run window by window: the same result, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import nn

from opticonv.enlarging.network import grain_of, halo_of, scale_of
from opticonv.enlarging.windows import TILE, Window, rows_of_windows

__all__ = ["enlarge", "enlarge_exactly", "enlarge_window", "windows_for"]


LEAST_RIM = 2
"""Pixels around a window that are seen at least: the reach of bicubic interpolation."""


def windows_for(model: nn.Module, size: tuple[int, int], tile: int) -> list[list[Window]]:
    """Rows of windows of a picture (height, width), with rims as wide as `model` needs."""
    grain = grain_of(model)
    halo = max(halo_of(model), grain * -(-LEAST_RIM // grain))
    return list(rows_of_windows(*size, halo=halo, tile=tile, grain=grain))


def enlarge_window(model: nn.Module, picture: torch.Tensor, window: Window) -> torch.Tensor:
    """A window's own part of the enlarged picture.

    Parameters
    ----------
    model : torch.nn.Module
        (n, 3, h, w) → (n, 3, scale*h, scale*w), with attributes `scale` and `halo`.
    picture : torch.Tensor, shape (3, H, W), floating point
        RGB in [0, 1].
    window : Window
        With a rim of at least ``model.halo`` pixels.

    Returns
    -------
    torch.Tensor, shape (3, scale*h, scale*w)
        As the network gives it: not clamped.
    """
    rows, columns = window.seen
    with torch.no_grad():
        output = model(picture[None, :, rows, columns])[0]
    rows, columns = window.own(scale_of(model))
    return output[:, rows, columns]


def enlarge_exactly(
    model: nn.Module,
    picture: torch.Tensor,
    *,
    tile: int = TILE,
    on_window: Callable[[float], None] | None = None,
) -> torch.Tensor:
    """Enlarge a picture (3, H, W) in [0, 1] and leave the network's numbers as they are.

    Windows have a rim as wide as the network's reach, so the result is that of the whole picture
    at once: to float rounding on electronics, to the device's noise by light.

    Returns
    -------
    torch.Tensor, shape (3, scale*H, scale*W), float32
    """
    return torch.cat(list(_bands(model, picture, tile, on_window, lambda own: own)), dim=1)


def enlarge(
    model: nn.Module,
    picture: torch.Tensor,
    on_window: Callable[[float], None] | None = None,
    *,
    tile: int = TILE,
) -> torch.Tensor:
    """Enlarge a picture as a file of 8 bits holds it.

    Parameters
    ----------
    model : torch.nn.Module
        A network, electronic or optical, with attributes `scale` and `halo`.
    picture : torch.Tensor, shape (3, H, W), uint8
    on_window : callable, optional
        Called after each window with the fraction of the picture that is done.
    tile : int
        Longest side of a window without its rim [input pixels].

    Returns
    -------
    torch.Tensor, shape (3, scale*H, scale*W), uint8
        Clamped to [0, 1] and rounded.
    """
    bands = _bands(model, picture.float() / 255.0, tile, on_window, _as_bytes)
    return torch.cat(list(bands), dim=1)


def _as_bytes(picture: torch.Tensor) -> torch.Tensor:
    return (picture.clamp(0.0, 1.0) * 255.0).round().to(torch.uint8)


def _bands(
    model: nn.Module,
    picture: torch.Tensor,
    tile: int,
    on_window: Callable[[float], None] | None,
    finish: Callable[[torch.Tensor], torch.Tensor],
) -> Iterator[torch.Tensor]:
    height, width = picture.shape[-2:]
    rows = windows_for(model, (height, width), tile)
    number = sum(map(len, rows))
    done = 0
    for row in rows:
        parts = []
        for window in row:
            parts.append(finish(enlarge_window(model, picture, window)))
            done += 1
            if on_window is not None:
                on_window(done / number)
        yield torch.cat(parts, dim=2)
