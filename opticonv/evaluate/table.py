"""The table of judgements: one row a picture and method, kept as JSON.

What one reads off it (means, differences with confidence intervals) is in
`opticonv.evaluate.summary`; the statistics themselves are in `nn.judging.intervals`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError

from opticonv.errors import CommandError, first_fault
from opticonv.files import whole_file

__all__ = ["MEASURES", "EvaluationTable", "Judgement", "Key", "Measure"]

Key = tuple[str, str, str, int | None]
"""Set, picture, method and seed of a judgement."""

Measure = Literal["psnr_rgb_db", "psnr_y_db", "ssim_rgb", "ssim_y", "perceptual", "delta_e2000"]

MEASURES: tuple[Measure, ...] = (
    "psnr_rgb_db",
    "psnr_y_db",
    "ssim_rgb",
    "ssim_y",
    "perceptual",
    "delta_e2000",
)
"""Names of a judgement's figures, in the order in which they are shown."""


@dataclass(frozen=True)
class Judgement:
    """How good one method's enlargement of one picture is.

    Attributes
    ----------
    set_name : str
        The set of pictures, such as "Set5".
    picture : str
        The picture's name, unique in its set.
    method : str
        As people read it, such as "bicubic" or "original, optical".
    kind : "baseline", "electronic" or "optical"
    weights : str or None
        Of a network: its name; of a baseline: None.
    psnr_rgb_db, psnr_y_db : float
        PSNR [dB], higher is better; infinite for equal pictures.
    ssim_rgb, ssim_y : float
        Structural similarity, 1 for equal pictures.
    perceptual : float or None
        Distance of unit-normalised VGG features, 0 for equal pictures; None: not measured.
    delta_e2000 : float
        Mean CIEDE2000 colour difference, 0 for equal pictures.
    matched : "input", "truth" or None
        What the enlargement's histograms were matched to afterwards.  "truth" tells the method
        what it should find: a leak, never to be compared with the others.
    seed : int or None
        Of an optical method: which specimen of the device.
    """

    set_name: str
    picture: str
    method: str
    kind: Literal["baseline", "electronic", "optical"]
    weights: str | None
    psnr_rgb_db: float
    psnr_y_db: float
    ssim_rgb: float
    ssim_y: float
    perceptual: float | None
    delta_e2000: float
    matched: Literal["input", "truth"] | None = None
    seed: int | None = None

    @property
    def key(self) -> Key:
        """What no two rows of a table share."""
        return self.set_name, self.picture, self.method, self.seed


@dataclass(frozen=True)
class EvaluationTable:
    """Judgements and where they come from.

    Attributes
    ----------
    judgements : tuple of Judgement
    provenance : dict
        Settings that all rows share (border, device, precision, …) and what made them (command,
        commit, versions); of JSON's types.

    Raises
    ------
    ValueError
        Two judgements have the same key.
    """

    __pydantic_config__ = ConfigDict(extra="forbid", ser_json_inf_nan="strings")

    judgements: tuple[Judgement, ...]
    provenance: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        seen = set()
        for judgement in self.judgements:
            if judgement.key in seen:
                raise ValueError(f"two judgements of {judgement.key}")
            seen.add(judgement.key)

    @property
    def keys(self) -> frozenset[Key]:
        """Of all judgements."""
        return frozenset(judgement.key for judgement in self.judgements)

    @property
    def set_names(self) -> tuple[str, ...]:
        """Names of the sets, in the order in which they first occur."""
        return _unique(judgement.set_name for judgement in self.judgements)

    def methods(self, set_name: str) -> tuple[str, ...]:
        """Names of the methods that were judged on a set, in the order of their first row."""
        return _unique(j.method for j in self.judgements if j.set_name == set_name)

    def of(self, set_name: str, method: str, seed: int | None = None) -> tuple[Judgement, ...]:
        """One method's judgements on a set; of all seeds if `seed` is None."""
        return tuple(
            j
            for j in self.judgements
            if j.set_name == set_name and j.method == method and seed in (None, j.seed)
        )

    def with_rows(self, judgements: Iterable[Judgement]) -> EvaluationTable:
        """This table and more rows."""
        return EvaluationTable((*self.judgements, *judgements), self.provenance)

    def save(self, path: Path | str) -> None:
        """Write as JSON, whole or not at all; an infinite PSNR becomes the string "Infinity"."""
        with whole_file(Path(path)) as temporary:
            temporary.write_bytes(_adapter().dump_json(self, indent=1) + b"\n")

    @classmethod
    def load(cls, path: Path | str) -> EvaluationTable:
        """Read what `save` wrote.

        Raises
        ------
        CommandError
            The file is missing or is not such a table; the message names the first fault.
        """
        path = Path(path)
        if not path.is_file():
            raise CommandError(f"there is no evaluation file {path}")
        try:
            return _adapter().validate_json(path.read_bytes())
        except ValidationError as error:
            fault = first_fault(error, "the file")
            raise CommandError(f"{path} is not a table of judgements: {fault}") from None


@cache
def _adapter() -> TypeAdapter[EvaluationTable]:
    return TypeAdapter(EvaluationTable)


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
