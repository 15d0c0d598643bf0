from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import pytest

from opticonv.errors import CommandError
from opticonv.evaluate.table import EvaluationTable, Judgement

BABY = Judgement("Set5", "baby", "bicubic", "baseline", None, math.inf, 30.25, 0.9, 0.8, None, 2.5)
OPTICAL = replace(
    BABY, method="original, optical", kind="optical", weights="original", seed=7, perceptual=0.25
)


def test_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    table = EvaluationTable((BABY, OPTICAL), {"border": "none", "seeds": [7, 8]})
    table.save(tmp_path / "table.json")
    assert EvaluationTable.load(tmp_path / "table.json") == table
    # Strict JSON, that browsers read too: no bare Infinity or NaN.
    json.loads((tmp_path / "table.json").read_text(), parse_constant=pytest.fail)


def test_is_read_by_set_method_and_seed() -> None:
    other = replace(OPTICAL, seed=8)
    table = EvaluationTable((BABY, OPTICAL)).with_rows([other, replace(BABY, set_name="Set14")])
    assert table.set_names == ("Set5", "Set14")
    assert table.methods("Set5") == ("bicubic", "original, optical")
    assert table.of("Set5", "original, optical") == (OPTICAL, other)
    assert table.of("Set5", "original, optical", 8) == (other,)
    assert other.key in table.keys
    assert replace(other, seed=9).key not in table.keys


def test_refuses_two_judgements_of_one_thing() -> None:
    with pytest.raises(ValueError, match=r"two judgements of .*baby"):
        EvaluationTable((BABY, replace(BABY, ssim_y=0.1)))


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("not JSON", "Invalid JSON"),
        ('{"judgements": [{"set_name": "Set5"}]}', "judgements.0.picture: Field required"),
        ('{"judgements": [], "more": 1}', "more: "),
        ("[]", "the file: "),
    ],
)
def test_a_file_that_is_no_table_is_named_with_its_fault(
    content: str, fault: str, tmp_path: Path
) -> None:
    path = tmp_path / "table.json"
    path.write_text(content)
    with pytest.raises(CommandError, match=rf"table\.json is not a table of judgements: .*{fault}"):
        EvaluationTable.load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"no evaluation file .*absent"):
        EvaluationTable.load(tmp_path / "absent.json")
