from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

import optical_device.profile as profile_module
from optical_device.profile import ProfileError, load_profile, profile_hash, profile_names


def test_packaged_profiles_load_under_their_own_names() -> None:
    assert profile_names() == ["ideal", "lab"]
    for name in profile_names():
        assert load_profile(name).device.name == name


def test_lab_says_what_the_design_says_of_it() -> None:
    lab = load_profile("lab")
    assert (lab.device.n, lab.device.dac_bits, lab.device.adc_bits) == (64, 14, 12)
    assert lab.modulator.p_pi_mw <= 0.5
    assert lab.timing.settle_us >= 7 * lab.thermal.tau_us
    assert lab.drift.reference_phase_rms_rad_per_s <= 0.01


def test_every_value_names_its_source() -> None:
    folder = Path(profile_module.__file__).parent / "profiles"
    files = sorted(folder.glob("*.toml"))
    assert len(files) == 2
    for file in files:
        values = [line for line in file.read_text().splitlines() if "=" in line.partition("#")[0]]
        assert len(values) > 60
        for line in values:
            assert line.partition("#")[2].strip(), f"{file.name}: no source for {line!r}"


def test_overrides_replace_single_values() -> None:
    profile = load_profile("lab", device__n=32, camera__read_noise_e=30.0, drift__ambient_rms_k=0)
    assert profile.device.n == 32
    assert profile.camera.read_noise_e == 30.0
    assert profile.drift.ambient_rms_k == 0.0
    assert profile.camera.qe == load_profile("lab").camera.qe


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ({"device__m": 1}, ["device__m", "dac_bits"]),
        ({"camera__read_noise": 1.0}, ["did you mean camera__read_noise_e"]),
        ({"nosuch__n": 1}, ["nosuch__n", "modulator"]),
        ({"n": 32}, ["'n'", "section__field"]),
        ({"device__n": 17}, ["device__n=17", "13"]),
        ({"device__n": 1024}, ["device__n=1024", "512"]),
        ({"device__n": 32.5}, ["device__n=32.5", "integer"]),
        ({"device__n": "32"}, ["device__n='32'", "integer"]),
        ({"device__layout": "5f"}, ["device__layout='5f'", "mft"]),
        ({"camera__qe": 1.5}, ["camera__qe=1.5", "less than or equal to 1"]),
        ({"camera__gain_e_per_dn": float("nan")}, ["camera__gain_e_per_dn"]),
        ({"timing__settle_us": 399.0}, ["timing__settle_us=399.0", "400"]),
        ({"timing__exposure_us": 0.5}, ["timing__exposure_us=0.5", "1.0"]),
        ({"modulator__power_full_mw": 0.9}, ["modulator__power_full_mw=0.9", "1.0"]),
        ({"modulator__extinction_min_db": 40.0}, ["modulator__extinction_max_db"]),
        ({"source__launch_default_step": 32}, ["source__launch_default_step=32", "32"]),
        ({"lens__noll_first": 16}, ["lens__noll_last"]),
        ({"drift__ambient_lowest_hz": 2.0}, ["drift__ambient_lowest_hz", "drift__highest_hz"]),
    ],
)
def test_a_wrong_override_is_refused_with_its_name_and_what_is_right(
    override: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(ProfileError) as caught:
        load_profile("lab", **override)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize("n", [11, 13, 32, 64, 100, 121, 512])
def test_grid_sizes_with_small_prime_factors_are_taken(n: int) -> None:
    assert load_profile("ideal", device__n=n).device.n == n


def test_settling_of_exactly_four_time_constants_is_enough() -> None:
    assert load_profile("lab", timing__settle_us=400.0).timing.settle_us == 400.0


def test_a_profile_can_come_from_a_file(tmp_path: Path) -> None:
    packaged = Path(profile_module.__file__).parent / "profiles" / "lab.toml"
    own = tmp_path / "own.toml"
    own.write_text(packaged.read_text().replace('name = "lab"', 'name = "own"'))
    assert load_profile(own).device.name == "own"
    assert load_profile(str(own)).device.name == "own"


def test_unknown_and_unreadable_profiles_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"unknown profile 'labb'.*ideal, lab"):
        load_profile("labb")
    with pytest.raises(ProfileError, match="cannot read profile"):
        load_profile(tmp_path / "missing.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("[device\n")
    with pytest.raises(ProfileError, match="cannot read profile"):
        load_profile(broken)
    partial = tmp_path / "partial.toml"
    partial.write_text("[device]\nwings = 2\n")
    with pytest.raises(ProfileError, match=r"device__wings is not a key.*modulator is missing"):
        load_profile(partial)


@pytest.mark.parametrize("text", ["device = 3\n", "top = 1\n"])
def test_a_file_without_sections_is_refused(tmp_path: Path, text: str) -> None:
    flat = tmp_path / "flat.toml"
    flat.write_text(text)
    with pytest.raises(ProfileError, match="must be a section"):
        load_profile(flat)
    with pytest.raises(ProfileError, match="must be a section"):
        load_profile(flat, device__n=32)


def test_profiles_are_frozen() -> None:
    profile = load_profile("lab")
    with pytest.raises(ValidationError):
        profile.device.n = 32


def test_the_hash_tells_profiles_apart_and_nothing_else() -> None:
    assert profile_hash(load_profile("lab")) == profile_hash(load_profile("lab"))
    assert profile_hash(load_profile("lab", camera__qe=0.72)) == profile_hash(load_profile("lab"))
    assert profile_hash(load_profile("lab", camera__qe=0.73)) != profile_hash(load_profile("lab"))
    assert profile_hash(load_profile("ideal")) != profile_hash(load_profile("lab"))
