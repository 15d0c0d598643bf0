"""What a set of shipped weights is, was trained on, and reaches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from nn.networks import NetworkConfig

__all__ = ["ModelCard"]


class ModelCard(BaseModel):
    """The JSON file beside a weights file.

    Attributes
    ----------
    title : str
        One line: which network, under which loss.
    network : NetworkConfig
    parameters : int
    command : str
        Prints the training again.
    recipe, data : mapping
        Settings of the training; numbers of pictures of each split.
    sampling : str
        What an input pixel is.
    quality : mapping
        Set of pictures → method → figure → value; PSNRs in dB, means over pictures.
    notes : tuple of str
        What a user should know, each a sentence.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    network: NetworkConfig
    parameters: int
    command: str
    recipe: Mapping[str, Any]
    data: Mapping[str, Any]
    sampling: str
    quality: Mapping[str, Mapping[str, Mapping[str, float]]]
    notes: tuple[str, ...] = ()
