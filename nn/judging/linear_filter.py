"""The best linear filter: what an enlargement can reach without being a network.

Every output pixel is a weighted sum of the k×k input pixels around the one it belongs to.  There
are ``scale²`` places in the block of one input pixel, each with weights of its own, and all of them
are fitted by least squares to pairs of input and truth.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Literal, get_args

import torch
from torch.nn import functional

from nn.sampling import decimate

__all__ = ["Colours", "LinearFilter", "fit_linear_filter"]

Colours = Literal["shared", "apart", "joint"]

SCALE = 8


class LinearFilter:
    """A linear enlargement ×`scale`, edge pixels replicated.

    ``out[c, scale·i + p, scale·j + q] = Σ_{d,a,b} w[c, p, q, d, a, b] in[d, i + a - r, j + b - r]``
    with ``r = k // 2``.

    Parameters
    ----------
    weight : torch.Tensor, shape (3, scale, scale, 3, k, k), float
        k odd.
    fitted_on : str
        What it was fitted on, for people.

    Raises
    ------
    ValueError
        If the shape of `weight` is another.
    """

    def __init__(self, weight: torch.Tensor, fitted_on: str = "") -> None:
        shape = tuple(weight.shape)
        if len(shape) != 6 or shape[0] != 3 or shape[3] != 3 or shape[1] != shape[2]:
            raise ValueError(f"weights must have shape (3, scale, scale, 3, k, k), got {shape}")
        if shape[4] != shape[5] or shape[4] % 2 == 0:
            raise ValueError(f"the window must be square with an odd side, got {shape[4:]}")
        self.weight = weight.detach()
        self.fitted_on = fitted_on

    @property
    def scale(self) -> int:
        """Output pixels per input pixel and axis."""
        return self.weight.shape[1]

    @property
    def k(self) -> int:
        """Side of the window [input pixels]."""
        return self.weight.shape[4]

    def __call__(self, picture: torch.Tensor) -> torch.Tensor:
        """Enlarge (n, 3, H, W), floating point, to (n, 3, scale·H, scale·W); not clamped."""
        kernel = self.weight.to(picture).flatten(0, 2)
        # Channel order of pixel_shuffle: colour, row and column in the block.
        return functional.pixel_shuffle(
            functional.conv2d(_padded(picture, self.k), kernel), self.scale
        )

    def save(self, path: Path | str) -> None:
        """Write a ``.safetensors`` file, weights as float32."""
        from safetensors.torch import save_file

        save_file(
            {"weight": self.weight.float().contiguous()},
            path,
            metadata={"fitted_on": self.fitted_on},
        )

    @classmethod
    def shipped(cls) -> LinearFilter:
        """The 7×7 filter that comes with the package; `fitted_on` says what it was fitted on."""
        with resources.as_file(resources.files("nn.judging") / "linear_7x7.safetensors") as path:
            return cls.load(path)

    @classmethod
    def load(cls, path: Path | str) -> LinearFilter:
        """Read what `save` wrote.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it holds no linear filter.
        """
        from safetensors import SafetensorError, safe_open

        if not Path(path).is_file():
            raise FileNotFoundError(f"no linear filter at {path}")
        try:
            with safe_open(path, framework="pt") as file:
                weight = file.get_tensor("weight")
                return cls(weight, (file.metadata() or {}).get("fitted_on", ""))
        except (SafetensorError, ValueError) as error:
            raise ValueError(f"{path} holds no linear filter: {error}") from None


def _padded(picture: torch.Tensor, k: int) -> torch.Tensor:
    return functional.pad(picture, [k // 2] * 4, mode="replicate")


def fit_linear_filter(
    pictures: Iterable[torch.Tensor],
    k: int = 7,
    *,
    colours: Colours = "joint",
    scale: int = SCALE,
    fitted_on: str = "",
) -> LinearFilter:
    """Fit the filter by least squares over every pixel of some true pictures.

    Normal equations in float64, minimum norm where the pictures leave weights undetermined.

    Parameters
    ----------
    pictures : iterable of torch.Tensor, shape (3, H, W)
        True pictures in [0, 1]; sides multiples of `scale`.
    k : int
        Side of the window [input pixels], odd.
    colours : "shared", "apart" or "joint"
        One filter for all three colours; one for each; or one for each that looks at all three.
    scale : int
    fitted_on : str
        Kept with the filter.

    Raises
    ------
    ValueError
        If there are no pictures, `k` is even or below 1, or `colours` is unknown.
    """
    if k < 1 or k % 2 == 0:
        raise ValueError(f"the window's side must be odd and at least 1, got {k}")
    if colours not in get_args(Colours):
        raise ValueError(f"colours must be one of {', '.join(get_args(Colours))}, got {colours!r}")
    gram, cross = _Sum(), _Sum()
    for picture in pictures:
        target = picture.double()
        windows = functional.unfold(_padded(decimate(target, scale)[None], k), k)[0]
        # One row a window: (samples, 3, k²) and what they should become: (samples, 3, scale²).
        seen = windows.T.unflatten(1, (3, k * k))
        wanted = functional.pixel_unshuffle(target, scale).flatten(1).T.unflatten(1, (3, scale**2))
        left, right = _equations(seen, wanted, colours)
        gram.add(left.mT @ left)
        cross.add(left.mT @ right)
    if gram.value is None or cross.value is None:
        raise ValueError("no pictures to fit a linear filter on")
    solution = torch.linalg.lstsq(gram.value, cross.value, driver="gelsd").solution
    weight = torch.zeros(3, scale, scale, 3, k, k, dtype=torch.float64)
    # (systems, unknowns, right-hand sides) -> (systems, outputs, window).
    columns = solution.mT
    for colour in range(3):
        if colours == "joint":
            rows = columns[0].unflatten(0, (3, scale, scale))[colour]
            weight[colour] = rows.unflatten(-1, (3, k, k))
        else:
            rows = columns[colour if colours == "apart" else 0]
            weight[colour, :, :, colour] = rows.view(scale, scale, k, k)
    return LinearFilter(weight, fitted_on)


def _equations(
    seen: torch.Tensor, wanted: torch.Tensor, colours: Colours
) -> tuple[torch.Tensor, torch.Tensor]:
    """Left and right of the least-squares systems, (systems, samples, …)."""
    if colours == "joint":
        return seen.flatten(1)[None], wanted.flatten(1)[None]
    apart = seen.transpose(0, 1), wanted.transpose(0, 1)
    if colours == "apart":
        return apart
    return apart[0].flatten(0, 1)[None], apart[1].flatten(0, 1)[None]


class _Sum:
    """A sum of tensors of one shape."""

    def __init__(self) -> None:
        self.value: torch.Tensor | None = None

    def add(self, term: torch.Tensor) -> None:
        self.value = term if self.value is None else self.value + term
