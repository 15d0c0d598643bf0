"""Losses of the super-resolution network besides the mean squared error."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import nn
from torch.nn import functional

__all__ = ["VGGFeatureLoss", "mge_loss", "sobel_gradients", "vgg_feature_loss"]

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
FEATURE_SCALE = 8400.0
"""What relu2_2 activations (of order 100) are divided by. The original states none; with this one
the feature loss and the gradient error of enlarged photographs are equal (1.7e-3, the shipped
network on held-out photographs), and so are their gradients within a tenth, so that a weight of
1, 2 or 3 between them tells."""


def sobel_gradients(picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Vertical and horizontal Sobel gradients of every channel, divided by 8.

    Kernels ``[[-1,-2,-1],[0,0,0],[1,2,1]]/8`` (along rows) and its transpose (along columns), so
    that a ramp of slope 1 per pixel has gradient 1; replicate-padded, cross-correlated.

    Parameters
    ----------
    picture : torch.Tensor, shape (n, C, H, W), floating point

    Returns
    -------
    two torch.Tensor, shape (n, C, H, W)
    """
    if picture.ndim != 4:
        raise ValueError(f"pictures must have shape (n, C, H, W), got {tuple(picture.shape)}")
    padded = functional.pad(picture, (1, 1, 1, 1), mode="replicate")
    smooth_columns = padded[..., :-2] + 2.0 * padded[..., 1:-1] + padded[..., 2:]
    smooth_rows = padded[..., :-2, :] + 2.0 * padded[..., 1:-1, :] + padded[..., 2:, :]
    vertical = (smooth_columns[..., 2:, :] - smooth_columns[..., :-2, :]) / 8.0
    horizontal = (smooth_rows[..., 2:] - smooth_rows[..., :-2]) / 8.0
    return vertical, horizontal


def mge_loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean gradient error: ``(mean (∂r o - ∂r t)² + mean (∂c o - ∂c t)²) / 2``.

    Gradients per channel (`sobel_gradients`); summing channels first, as published, lets opposite
    errors of two colours cancel.

    Parameters
    ----------
    output, target : torch.Tensor, shape (n, C, H, W), floating point

    Returns
    -------
    torch.Tensor, scalar

    Raises
    ------
    ValueError
        If the shapes differ or are not (n, C, H, W).
    """
    if output.shape != target.shape:
        raise ValueError(
            f"shapes differ: output {tuple(output.shape)}, target {tuple(target.shape)}"
        )
    vertical, horizontal = sobel_gradients(output - target)
    return (vertical.square().mean() + horizontal.square().mean()) / 2.0


class VGGFeatureLoss(nn.Module):
    """Mean squared difference of VGG-16 relu2_2 features, divided by `FEATURE_SCALE` squared.

    conv1_1, conv1_2, pool, conv2_1, conv2_2 of the "D" configuration (arXiv 1409.1556), weights
    frozen, inputs in [0, 1] normalised with ImageNet's mean and deviation.

    Parameters
    ----------
    state : mapping of str to torch.Tensor
        torchvision's names, ``features.0.weight`` … ``features.7.bias``; others are ignored.

    Raises
    ------
    ValueError
        If a weight is missing or of the wrong shape.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, state: Mapping[str, torch.Tensor]) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 64, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(64, 64, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(64, 128, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(128, 128, 3, padding=1),
            nn.ReLU(),
        )
        wanted = {name: tensor.shape for name, tensor in self.state_dict().items()}
        for name, shape in wanted.items():
            if name not in state or state[name].shape != shape:
                found = tuple(state[name].shape) if name in state else "nothing"
                raise ValueError(
                    f"VGG-16 weights need {name} of shape {tuple(shape)}, found {found}"
                )
        self.load_state_dict({name: state[name] for name in wanted})
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))
        self.requires_grad_(False).eval()

    @classmethod
    def from_file(cls, path: Path | str) -> VGGFeatureLoss:
        """Read VGG-16 weights from a ``.safetensors`` or torch file (weights only, no code).

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it can't be read, or does not hold VGG-16's first four convolutions.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"no VGG-16 weights at {path}")
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            if path.suffix == ".safetensors":
                state = load_file(path)
            else:
                state = torch.load(path, map_location="cpu", weights_only=True)
        except (SafetensorError, UnpicklingError, RuntimeError, EOFError):
            raise ValueError(f"{path} holds no weights that can be read") from None
        if not isinstance(state, Mapping):
            raise ValueError(f"{path} holds {type(state).__name__}, not a state dict")
        return cls(state)

    def train(self, mode: bool = True) -> VGGFeatureLoss:
        """Stay in eval mode: the features are a fixed measure."""
        return super().train(False)

    def forward(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Loss of `output` against `target`, both (n, 3, H, W) in [0, 1]; a scalar."""
        return vgg_feature_loss(output, target, self)

    def extract(self, picture: torch.Tensor) -> torch.Tensor:
        """relu2_2 features, (n, 128, H/2, W/2), in units of `FEATURE_SCALE`."""
        features: torch.Tensor = self.features((picture - self.mean) / self.std)
        return features / FEATURE_SCALE


def vgg_feature_loss(
    output: torch.Tensor, target: torch.Tensor, vgg: VGGFeatureLoss
) -> torch.Tensor:
    """Mean squared difference of the relu2_2 features of two batches of pictures.

    Parameters
    ----------
    output, target : torch.Tensor, shape (n, 3, H, W), floating point, in [0, 1]
    vgg : VGGFeatureLoss
        Holds the frozen network; `VGGFeatureLoss.from_file` reads one.

    Returns
    -------
    torch.Tensor, scalar

    Raises
    ------
    ValueError
        If the shapes differ or are not (n, 3, H, W).
    """
    if output.shape != target.shape or output.ndim != 4 or output.shape[1] != 3:
        raise ValueError(
            "two batches (n, 3, H, W) of one shape are needed, got "
            f"{tuple(output.shape)} and {tuple(target.shape)}"
        )
    with torch.no_grad():
        wanted = vgg.extract(target)
    return functional.mse_loss(vgg.extract(output), wanted)
