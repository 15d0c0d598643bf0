"""One photograph in every way it was enlarged, whole and close up."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from nn.judging import Quality
from opticonv.demo.canvas import Box, detailed_boxes
from opticonv.demo.trial import Trial
from opticonv.enlarging import SCALE
from opticonv.pages.embedding import Embedded, embed
from opticonv.report.losses import loss_label
from opticonv.report.measuring import WeightsTrial

__all__ = ["Comparison", "LossCard", "Panel", "compare", "loss_cards"]

CLOSE_UP = {256: 96, 2048: 240}
"""Side of a close-up by that of the picture [pixels]."""
WHOLE_BYTES = {256: 130_000, 2048: 400_000}
"""Limit of one whole picture's file by its side."""
CLOSE_BYTES = 130_000
"""Limit of one close-up's file: 240×240 pixels without loss."""
GAIN = 16
"""Of the picture of differences."""


@dataclass(frozen=True)
class Panel:
    """One method's picture.

    Attributes
    ----------
    key : str
        A key of `NAMES`.
    name : str
    figures : str
        Below its name.
    whole, close : Embedded
    alt, close_alt : str
        For those who don't see them.
    """

    key: str
    name: str
    figures: str
    whole: Embedded
    close: Embedded
    alt: str
    close_alt: str


@dataclass(frozen=True)
class Comparison:
    """A photograph's panels.

    Attributes
    ----------
    slug : str
        For ids.
    title, sizes : str
    panels : tuple of Panel
    pair : (str, str)
        Keys of what the slider shows at its left and right at the start.
    choices : tuple of str
        Keys of all that it can show.
    box : Box
        The close-up.
    thumbnail : Embedded
    remark : str
        What compression took.
    """

    slug: str
    title: str
    sizes: str
    panels: tuple[Panel, ...]
    pair: tuple[str, str]
    choices: tuple[str, ...]
    box: Box
    side: int
    thumbnail: Embedded
    remark: str


SECOND = "second-"
"""Before the keys of the stronger network's panels."""

NAMES = {
    "original": "Original",
    "input": "Input",
    "bicubic": "Bicubic",
    "electronic": "Electronic network",
    "optical": "Optical network",
    "second-electronic": "Strong network, electronic",
    "second-optical": "Strong network, optical",
    "difference": f"Difference ×{GAIN}",
}


def compare(trial: Trial, number: int, second: Trial | None = None) -> Comparison:
    """All panels of one trial; `number` tells it from others of the same name.

    Parameters
    ----------
    trial : Trial
    number : int
    second : Trial or None
        The same photograph by a stronger network, for two panels more.
    """
    shown = trial.pictures
    side, small = shown.optical.shape[-1], shown.small.shape[-1]
    truth = trial.truth
    pictures = {
        "original": truth,
        "input": shown.small,
        "bicubic": shown.bicubic,
        "electronic": shown.electronic,
        "optical": shown.optical,
        "second-electronic": None if second is None else second.pictures.electronic,
        "second-optical": None if second is None else second.pictures.optical,
        # Noise of this size does not compress; of a large picture its figure has to do.
        "difference": None if truth is None else difference(shown.optical, shown.electronic),
    }
    extent = CLOSE_UP[side]
    seen = shown.optical if truth is None else truth
    box = _box(trial, extent)
    panels = tuple(
        _panel(key, trial if not key.startswith(SECOND) or second is None else second, picture, box)
        for key, picture in pictures.items()
        if picture is not None
    )
    return Comparison(
        slug=f"photo-{number}-{_slug(trial.name)}",
        title=trial.name,
        sizes=f"{small}² → {side}²",
        panels=panels,
        pair=("bicubic", "optical"),
        choices=tuple(panel.key for panel in panels if panel.key != "difference"),
        box=box,
        side=side,
        thumbnail=embed(_reduced(seen), 12_000),
        remark=_remark(panels),
    )


def _box(trial: Trial, extent: int) -> Box:
    """Where there is most detail: of the original, or of the input where there is none."""
    if trial.truth is not None:
        return detailed_boxes(trial.truth, extent, SCALE)[0]
    found = detailed_boxes(trial.pictures.small, extent // SCALE, SCALE)[0]
    return Box(SCALE * found.top, SCALE * found.left, SCALE * found.side)


def _panel(key: str, trial: Trial, picture: torch.Tensor, box: Box) -> Panel:
    side = trial.pictures.optical.shape[-1]
    own = box.reduced(side // picture.shape[-1])
    title = f"{trial.name} to {side}²"
    name = NAMES[key]
    place = f"rows {box.top} to {box.top + box.side}, columns {box.left} to {box.left + box.side}"
    return Panel(
        key=key,
        name=name,
        figures=_figures(key.removeprefix(SECOND), trial, picture),
        whole=embed(picture, WHOLE_BYTES[side]),
        close=embed(own.of(picture).contiguous(), CLOSE_BYTES),
        alt=f"{title}: {name.lower()}",
        close_alt=f"{title}, close-up of {place}: {name.lower()}",
    )


def _figures(key: str, trial: Trial, picture: torch.Tensor) -> str:
    if trial.quality is not None and key in trial.quality:
        return figures_of(trial.quality[key])
    if key == "difference":
        return f"optical − electronic, {trial.optical_vs_electronic_db:.1f} dB"
    size = f"{picture.shape[-1]}×{picture.shape[-2]} pixels"
    if key == "optical":
        return f"{size}, {trial.optical_vs_electronic_db:.1f} dB to the electronic"
    return f"{size}, every {SCALE}th" if key == "input" and trial.truth is not None else size


def figures_of(quality: Quality) -> str:
    """As a caption has them."""
    return f"{quality.psnr_rgb_db:.2f} dB · SSIM {quality.ssim_rgb:.3f}"


def difference(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """`GAIN` times the difference of two pictures about mid-grey, (3, H, W) uint8."""
    signed = one.to(torch.int32) - other.to(torch.int32)
    return (128 + GAIN * signed).clamp(0, 255).to(torch.uint8)


def _reduced(picture: torch.Tensor) -> torch.Tensor:
    size = (96, 96)
    small = torch.nn.functional.interpolate(
        picture[None].float(), size, mode="bilinear", antialias=True
    )
    return small[0].round().clamp(0, 255).to(torch.uint8)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "picture"


def _remark(panels: Sequence[Panel]) -> str:
    losses = [f"{panel.name.lower()}: {panel.whole.loss}" for panel in panels if panel.whole.loss]
    if not losses:
        return "All pictures are in this page without loss."
    return (
        "The page holds close-ups as first shown without loss, whole pictures compressed ("
        + "; ".join(losses)
        + "); figures are of the pictures before that."
    )


@dataclass(frozen=True)
class LossCard:
    """What a network trained on one loss makes of one photograph, by light."""

    label: str
    about: str
    figures: tuple[tuple[str, str], ...]
    whole: Embedded
    close: Embedded
    alt: str
    close_alt: str


def loss_cards(tried: Sequence[WeightsTrial]) -> list[LossCard]:
    """The first photograph by each set of weights, after its original and bicubic."""
    if not tried:
        return []
    first = tried[0].trials[0]
    assert first.truth is not None
    assert first.quality is not None
    box = detailed_boxes(first.truth, CLOSE_UP[256], SCALE)[0]

    def card(
        label: str, about: str, picture: torch.Tensor, figures: tuple[tuple[str, str], ...]
    ) -> LossCard:
        return LossCard(
            label=label,
            about=about,
            figures=figures,
            whole=embed(picture, WHOLE_BYTES[256]),
            close=embed(box.of(picture).contiguous(), CLOSE_BYTES),
            alt=f"{first.name}: {label}, {about}",
            close_alt=f"{first.name}, close-up: {label}, {about}",
        )

    cards = [
        card("Original", "for comparison", first.truth, ()),
        card(
            "Bicubic", "no network", first.pictures.bicubic,
            (("bicubic", figures_of(first.quality["bicubic"])),),
        ),
    ]  # fmt: skip
    for each in tried:
        trial = each.trials[0]
        assert trial.quality is not None
        figures = (
            ("electronic", figures_of(trial.quality["electronic"])),
            ("optical", figures_of(trial.quality["optical"])),
        )
        cards.append(
            card(loss_label(each.card), f"“{each.name}”, by light", trial.pictures.optical, figures)
        )
    return cards
