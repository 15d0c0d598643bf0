"""Values of a profile with their units and sources, as the report about a device has them."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest

from optical_device.profile import load_profile, profile_names
from opticonv.device.data_sheet import NO_SOURCE, OVERRIDDEN, data_sheet_values, unit_of
from opticonv.device.sources import trailing_comments

N = 16


@pytest.mark.parametrize(
    ("line", "comment"),
    [
        ("a = 1 # one", "one"),
        ("a = 1 # one # more", "one # more"),
        ('a = "x # y"  # text', "text"),
        ("a = 'x # y'#text", "text"),
        (r'a = "\"#" # text', "text"),
        ("a = [1, 2] # list", "list"),
        ("'a' = inf # quoted", "quoted"),
        ("a = 1", None),
        ("a = 1 #", None),
        ("# a = 1 # commented out", None),
        ("b.a = 1 # dotted", None),
        ("a = { b = 1 } # inline", None),
    ],
)
def test_comments_at_the_end_of_a_line(line: str, comment: str | None) -> None:
    found = trailing_comments(f"# title\n[part] # section\n{line}\n")
    assert found == ({} if comment is None else {("part", "a"): comment})


def test_comments_by_section() -> None:
    text = "z = 0 # above all sections\n[one]\na = 1 # first\n\n[ two ] # x\na = 2 # second\n"
    assert trailing_comments(text) == {("one", "a"): "first", ("two", "a"): "second"}


def test_every_packaged_value_has_a_source() -> None:
    for name in profile_names():
        profile = load_profile(name)
        values = data_sheet_values(name, profile)
        assert len(values) == sum(len(part) for part in profile.model_dump().values())
        for value in values:
            assert value.value == getattr(getattr(profile, value.section), value.field)
            assert value.source not in ("", NO_SOURCE), f"{name}: {value.section}.{value.field}"


def test_sources_are_followed_to_where_they_stand() -> None:
    lab = {(v.section, v.field): v for v in data_sheet_values("lab", load_profile("lab"))}
    for value in data_sheet_values("ideal", load_profile("ideal")):
        if value.source.startswith("as lab"):
            assert value.source == f"as lab: {lab[value.section, value.field].source}"


def test_overridden_and_unsourced_values_say_so(tmp_path: Path) -> None:
    text = (resources.files("optical_device") / "profiles/lab.toml").read_text(encoding="utf-8")
    path = tmp_path / "mine.toml"
    path.write_text("\n".join(line.partition("#")[0] for line in text.splitlines()))
    overrides = {"device__n": N}
    values = data_sheet_values(str(path), load_profile(path, **overrides), overrides)
    sources = {f"{v.section}__{v.field}": v.source for v in values}
    assert sources.pop("device__n") == OVERRIDDEN
    assert set(sources.values()) == {NO_SOURCE}


@pytest.mark.parametrize(
    ("field", "unit"),
    [
        ("reference_phase_rms_rad_per_s", "rad/s"), ("laser_power_rms_per_s", "1/s"),
        ("signal_rate_photons_per_us", "photons/µs"), ("static_phase_range_rad", "rad"),
        ("gain_e_per_dn", "e⁻/DN"), ("dark_e_per_s", "e⁻/s"), ("read_noise_e", "e⁻"),
        ("resistance_slope_per_mw", "1/mW"), ("ambient_rad_per_k", "rad/K"), ("ambient_k", "K"),
        ("n", "px"), ("dac_bits", "bits"), ("prnu", ""), ("shot_noise", ""), ("noll_last", ""),
        ("tau_spread", ""),
    ],
)  # fmt: skip
def test_units_are_in_the_names(field: str, unit: str) -> None:
    assert unit_of(field) == unit
