from __future__ import annotations

from opticonv.evaluate.table import EvaluationTable, Judgement
from opticonv.report.evaluation import evaluated_by, evaluation_tables


def judged(picture: str, kind: str, psnr: float, seed: int | None = None) -> Judgement:
    return Judgement(
        set_name="Set5",
        picture=picture,
        method="bicubic" if kind == "baseline" else f"original, {kind}",
        kind=kind,  # type: ignore[arg-type]
        weights=None if kind == "baseline" else "original",
        psnr_rgb_db=psnr,
        psnr_y_db=psnr + 1,
        ssim_rgb=0.5,
        ssim_y=0.5,
        perceptual=None,
        delta_e2000=9.0,
        seed=seed,
    )


TABLE = EvaluationTable(
    tuple(
        judged(name, kind, base + index + wobble * index, seed)
        for index, name in enumerate(("baby", "bird", "head"))
        for kind, base, wobble, seed in (
            ("baseline", 20.0, 0.0, None),
            ("electronic", 21.0, 0.0, None),
            ("optical", 20.98, 0.01, 7),
        )
    ),
    {"command": "opticonv evaluate", "settings": {"border": "none", "seeds": [7]}},
)


def test_light_comes_first_with_its_interval() -> None:
    light, means = evaluation_tables(TABLE)
    assert light.caption == "Set5: optical − electronic"
    row = light.rows[0]
    assert row[:3] == ("original", "PSNR RGB (dB)", "−0.010")
    # Differences −0.02, −0.01, 0: mean −0.01, s = 0.01, t(2) = 4.303: ± 4.303 · 0.01 / √3.
    assert row[3] == "[−0.035, +0.015]"
    assert row[4] == "3 pictures, 1 device"
    assert means.caption == "Set5: means over 3 pictures"
    assert means.rows[0][:2] == ("bicubic", "21.00")


def test_a_figure_that_nobody_measured_has_no_column() -> None:
    _, means = evaluation_tables(TABLE)
    assert not [name for name in means.head if "VGG" in name]
    assert {len(row) for row in means.rows} == {len(means.head)}


def test_the_evaluation_s_origin_is_told() -> None:
    assert evaluated_by(TABLE) == [
        ("command", "opticonv evaluate"),
        ("settings, border", "none"),
        ("settings, seeds", "[7]"),
    ]
