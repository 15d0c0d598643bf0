"""The comparison sheets of the demonstration."""

from __future__ import annotations

from PIL import Image

from nn.judging import Quality
from opticonv.demo.canvas import Box, Heading, Panel, Row, detailed_boxes, draw_sheet
from opticonv.demo.trial import Trial
from opticonv.enlarging import SCALE

__all__ = ["comparison_sheet", "large_sheet"]

CLOSE_UP = 96
"""Side of the close-up of a 256² picture [pixels]."""
LARGE_CLOSE_UP = 240
"""Side of a close-up of a 2048² picture [pixels]."""


def comparison_sheet(trial: Trial, setting: str) -> Image.Image:
    """Original, input, bicubic, electronic, optical and matched, whole and close up.

    `setting` names device and precision.
    """
    assert trial.truth is not None
    assert trial.quality is not None
    box = detailed_boxes(trial.truth, CLOSE_UP, SCALE)[0]
    shown = trial.pictures
    large = (trial.truth, shown.bicubic, shown.electronic, shown.optical, shown.matched)
    whole = [Panel(picture) for picture in large]
    close = [Panel(box.of(picture)) for picture in large]
    whole[0] = Panel(trial.truth, [box])
    whole.insert(1, Panel(shown.small))
    close.insert(1, Panel(box.reduced(SCALE).of(shown.small)))
    small, full = shown.small.shape[-1], trial.truth.shape[-1]
    headings = [
        Heading("Original", (f"{full}×{full} pixels", "")),
        Heading("Input", (f"{small}×{small} pixels", f"every {SCALE}th pixel each way")),
        Heading("Bicubic", (_figures(trial.quality["bicubic"]), "aligned to the sampling")),
        Heading("Electronic network", (_figures(trial.quality["electronic"]), "")),
        Heading("Optical network", (_figures(trial.quality["optical"]), _agreement(trial))),
        Heading(
            "Optical, colours matched",
            (_figures(trial.quality["matched"]), "to the input's histogram"),
        ),
    ]
    return draw_sheet(
        f"{trial.name}: {small}² → {full}²  ·  {setting}",
        headings,
        [
            Row("Whole picture", whole),
            Row(f"Close-up, {CLOSE_UP}×{CLOSE_UP} pixels", close),
        ],
    )


def _agreement(trial: Trial) -> str:
    return f"to the electronic: PSNR {trial.optical_vs_electronic_db:.1f} dB"


def _figures(quality: Quality) -> str:
    return f"PSNR {quality.psnr_rgb_db:.2f} dB · SSIM {quality.ssim_rgb:.3f}"


def large_sheet(trial: Trial, setting: str) -> Image.Image:
    """Close-ups of the picture that was enlarged beyond any original: bicubic against optical."""
    shown = trial.pictures
    boxes = detailed_boxes(shown.small, LARGE_CLOSE_UP // SCALE, SCALE, 2)
    small, full = shown.small.shape[-1], shown.optical.shape[-1]
    scaled = [Box(b.top * SCALE, b.left * SCALE, b.side * SCALE) for b in boxes]
    pixels = f"{full}×{full} pixels"
    headings = [
        Heading("Whole picture", ("by the optical network", f"{pixels}, reduced")),
        Heading("Input", (f"{small}×{small} pixels", "")),
        Heading("Bicubic", (pixels, "aligned to the input")),
        Heading("Electronic network", (pixels, "")),
        Heading("Optical network", (pixels, _agreement(trial))),
    ]
    rows = [
        Row(
            f"Close-up, {LARGE_CLOSE_UP}×{LARGE_CLOSE_UP} pixels of the result",
            [
                Panel(shown.optical, [at]),
                Panel(box.of(shown.small)),
                *(Panel(at.of(p)) for p in (shown.bicubic, shown.electronic, shown.optical)),
            ],
        )
        for box, at in zip(boxes, scaled, strict=True)
    ]
    return draw_sheet(f"{trial.name}: {small}² → {full}²  ·  {setting}", headings, rows)
