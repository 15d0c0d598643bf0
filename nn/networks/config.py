"""Configuration of a network: strict, one model per form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter

__all__ = [
    "NetworkConfig",
    "OriginalConfig",
    "ResidualConfig",
    "SingleConfig",
    "StackedConfig",
    "UNetConfig",
    "ZeroInsertionConfig",
    "parse_network_config",
]

Padding = Literal["zeros", "reflect", "replicate", "circular"]
Lengths = Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1, max_length=6)]


def _odd(value: int) -> int:
    if value % 2 == 0:
        raise ValueError("must be odd, so that the size is kept")
    return value


Odd = Annotated[int, Field(ge=1), AfterValidator(_odd)]


class _Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    padding_mode: Padding = "replicate"


class OriginalConfig(_Config):
    """`nn.SuperResolutionModel` as published: nothing to choose but the padding."""

    form: Literal["original"] = "original"


class StackedConfig(_Config):
    """Upsample blocks of any depth, length and number; ×2 each."""

    form: Literal["stacked"] = "stacked"
    depth: int = Field(default=4, ge=3)
    lengths: Lengths = (4, 2, 1)
    kernel_size: Odd = 3


class ZeroInsertionConfig(_Config):
    """As "stacked", enlarging by zeros between the pixels."""

    form: Literal["zero_insertion"] = "zero_insertion"
    depth: int = Field(default=4, ge=3)
    lengths: Lengths = (4, 2, 1)
    kernel_size: Odd = 3


class SingleConfig(_Config):
    """`length` convolutions of `depth` channels on the small picture, one enlargement."""

    form: Literal["single"] = "single"
    depth: int = Field(default=32, ge=1)
    length: int = Field(default=4, ge=1)
    kernel_size: Odd = 3


class UNetConfig(_Config):
    """`levels` poolings down from `depth` channels, upsample blocks up again and on to ×8."""

    form: Literal["unet"] = "unet"
    depth: int = Field(default=8, ge=3)
    levels: int = Field(default=2, ge=1, le=5)
    lengths: Lengths = (2, 1, 1)
    kernel_size: Odd = 3


class ResidualConfig(_Config):
    """`blocks` residual blocks of `channels` beside a linear filter of `linear_size`²."""

    form: Literal["residual"] = "residual"
    channels: int = Field(default=64, ge=1)
    blocks: int = Field(default=8, ge=1)
    linear_size: Odd = Field(default=7, ge=5)
    kernel_size: Odd = 3


NetworkConfig: TypeAlias = Annotated[
    OriginalConfig
    | StackedConfig
    | ZeroInsertionConfig
    | SingleConfig
    | UNetConfig
    | ResidualConfig,
    Field(discriminator="form"),
]
"""A field of this type takes any form; ``form`` decides which. See `parse_network_config`."""

_ADAPTER: TypeAdapter[NetworkConfig] = TypeAdapter(NetworkConfig)


def parse_network_config(values: Mapping[str, Any]) -> NetworkConfig:
    """Check a table of values, as from TOML.

    Raises
    ------
    pydantic.ValidationError
        A `ValueError` that names each value that is wrong, unknown or missing.
    """
    return _ADAPTER.validate_python(dict(values))
