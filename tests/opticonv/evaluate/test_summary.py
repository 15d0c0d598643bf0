from __future__ import annotations

import math
from dataclasses import replace

import pytest

from nn.judging import crossed_interval, paired_interval
from opticonv.evaluate.figures import best_of, figure, interval_text
from opticonv.evaluate.summary import differences, summaries
from opticonv.evaluate.table import EvaluationTable, Judgement

HOST = Judgement("S", "p", "net, electronic", "electronic", "net", 20.0, 21.0, 0.5, 0.6, None, 4.0)
LIGHT = replace(HOST, method="net, optical", kind="optical", seed=7)


def _rows(host: list[float], *light: list[float]) -> EvaluationTable:
    """A table of PSNRs by picture, of the host and of devices 7, 8, …"""
    rows = [replace(HOST, picture=f"p{i}", psnr_rgb_db=v) for i, v in enumerate(host)]
    for seed, values in enumerate(light, 7):
        rows += [
            replace(LIGHT, picture=f"p{i}", psnr_rgb_db=v, seed=seed) for i, v in enumerate(values)
        ]
    return EvaluationTable(tuple(rows))


def test_means_are_over_pictures_and_devices() -> None:
    electronic, optical = summaries(_rows([20.0, 30.0], [19.0, 30.0], [21.0, 31.0]), "S")
    assert electronic.means["psnr_rgb_db"] == 25.0
    assert optical.means["psnr_rgb_db"] == 25.25
    assert (optical.pictures, optical.seeds, optical.kind) == (2, (7, 8), "optical")
    assert optical.means["perceptual"] is None


def test_networks_follow_baselines_and_leaks_come_last() -> None:
    rows = [
        replace(HOST, method="leak", matched="truth"),
        LIGHT,
        HOST,
        replace(HOST, method="matched", matched="input"),
        replace(HOST, method="bicubic", kind="baseline", weights=None),
    ]
    order = [summary.method for summary in summaries(EvaluationTable(tuple(rows)), "S")]
    assert order == ["bicubic", "net, electronic", "net, optical", "matched", "leak"]


def test_the_best_is_never_one_that_was_told_the_truth() -> None:
    rows = (
        HOST,
        replace(LIGHT, psnr_rgb_db=19.0, delta_e2000=3.0),
        replace(HOST, method="leak", matched="truth", psnr_rgb_db=40.0, delta_e2000=0.1),
    )
    best = best_of(summaries(EvaluationTable(rows), "S"))
    assert best["psnr_rgb_db"] == 20.0
    assert best["delta_e2000"] == 3.0
    assert "perceptual" not in best


def test_difference_of_one_device_is_over_its_pictures() -> None:
    found = differences(_rows([20.0, 30.0, 25.0], [19.9, 30.1, 24.7]), "S", ["psnr_rgb_db"])
    (difference,) = found
    wanted = paired_interval([-0.1, 0.1, -0.3])
    assert difference.interval.mean == pytest.approx(wanted.mean)
    assert difference.interval.low == pytest.approx(wanted.low)
    assert difference.interval.method == "t"
    assert difference.bootstrap.method == "bca"
    assert interval_text("psnr_rgb_db", difference.interval) == "[-0.597, +0.397]"


def test_difference_of_several_devices_is_over_both() -> None:
    table = _rows([20.0, 30.0, 25.0], [19.9, 30.1, 24.7], [19.8, 30.0, 24.9])
    (difference,) = differences(table, "S", ["psnr_rgb_db"])
    wanted = crossed_interval([[-0.1, 0.1, -0.3], [-0.2, 0.0, -0.1]])
    assert difference.interval.high == pytest.approx(wanted.high)
    assert (difference.interval.devices, difference.interval.pictures) == (2, 3)


def test_pictures_that_one_side_lacks_are_left_out() -> None:
    (difference,) = differences(_rows([20.0, 30.0, 25.0], [19.0, 29.5]), "S", ["psnr_rgb_db"])
    assert difference.interval.pictures == 2
    assert difference.interval.mean == pytest.approx(-0.75)


def test_there_is_no_difference_where_there_is_nothing_to_compare() -> None:
    assert differences(_rows([20.0, 30.0]), "S") == ()
    assert differences(_rows([20.0], [20.0]), "S") == ()
    assert differences(_rows([20.0, math.inf], [20.0, 30.0]), "S", ["psnr_rgb_db"]) == ()
    assert differences(_rows([20.0, 30.0], [20.0, 30.0]), "S", ["perceptual"]) == ()


def test_what_was_not_measured_says_so() -> None:
    assert figure("perceptual", None) == "not measured"
    assert figure("psnr_rgb_db", math.inf) == "∞"
    assert figure("ssim_y", 0.12345) == "0.1235"
