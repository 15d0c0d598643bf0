"""The objective: a weighted sum of named terms."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn
from torch.nn import functional

from nn.losses import VGGFeatureLoss, mge_loss
from nn.pretrained import available_weights, load_pretrained
from nn.training.config import LossSection
from nn.weight_files import load_weights

__all__ = ["Objective", "load_named_weights"]


def load_named_weights(name: str) -> nn.Module:
    """An electronic network with packaged weights of that name, or those of a file.

    Raises
    ------
    FileNotFoundError, ValueError
        There are none, or the file does not hold any.
    """
    return load_pretrained(name) if name in available_weights() else load_weights(name)


class Objective(nn.Module):
    """``sum of weight * term`` over the terms that have a weight.

    Terms are "mse", "mge", "feature" (see `nn.losses`) and "distillation": the mean squared
    difference to what a teacher network, electronic and frozen, makes of the same input.

    Parameters
    ----------
    loss : LossSection

    Attributes
    ----------
    names : tuple of str
        Of the terms, in the order of `forward`'s values.

    Raises
    ------
    FileNotFoundError, ValueError
        The VGG-16 weights or the teacher's cannot be read.
    """

    weights: torch.Tensor

    def __init__(self, loss: LossSection) -> None:
        super().__init__()
        given = {
            "mse": loss.mse,
            "mge": loss.mge,
            "feature": loss.feature,
            "distillation": loss.distillation,
        }
        self.names = tuple(name for name, weight in given.items() if weight > 0)
        self.register_buffer("weights", torch.tensor([given[name] for name in self.names]))
        self.features = VGGFeatureLoss.from_file(loss.vgg) if loss.feature and loss.vgg else None
        self.teacher = load_named_weights(loss.teacher) if loss.teacher else None
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> Objective:
        """Stay in eval mode: nothing here is trained."""
        return super().train(False)

    def forward(
        self, output: torch.Tensor, target: torch.Tensor, input: torch.Tensor
    ) -> torch.Tensor:
        """Values of the terms, without their weights.

        Parameters
        ----------
        output, target : torch.Tensor, shape (n, 3, 8*H, 8*W), floating point
        input : torch.Tensor, shape (n, 3, H, W)
            What the output was made from.

        Returns
        -------
        torch.Tensor, shape (len(names),)
        """
        return torch.stack([self._term(name, output, target, input) for name in self.names])

    def _term(
        self, name: str, output: torch.Tensor, target: torch.Tensor, input: torch.Tensor
    ) -> torch.Tensor:
        if name == "mse":
            return functional.mse_loss(output, target)
        if name == "mge":
            return mge_loss(output, target)
        if name == "feature":
            return cast(torch.Tensor, cast(nn.Module, self.features)(output, target))
        with torch.no_grad():
            taught = cast(nn.Module, self.teacher)(input)
        return functional.mse_loss(output, taught.to(output.dtype))
