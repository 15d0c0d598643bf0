from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

import optical_device.profile as profile_module
from optical_device.profile import ProfileError, load_profile, profile_hash, profile_names


def test_packaged_profiles_load_under_their_own_names() -> None:
    assert profile_names() == ["ideal", "lab", "lab4f", "mft11", "nextgen"]
    for name in profile_names():
        assert load_profile(name).device.name == name


def test_lab_says_what_the_design_says_of_it() -> None:
    lab = load_profile("lab")
    assert (lab.device.n, lab.device.dac_bits, lab.device.adc_bits) == (64, 14, 12)
    assert lab.modulator.p_pi_mw <= 0.5
    assert lab.timing.settle_us >= 7 * lab.thermal.tau_us
    assert lab.drift.reference_phase_rms_rad_per_s <= 0.01


def test_profiles_are_what_the_design_says_of_them() -> None:
    lab, lab4f = load_profile("lab"), load_profile("lab4f")
    rest = {"name": "lab", "layout": "mft"}
    assert lab4f.device.layout == "4f"
    assert lab4f.device.model_copy(update=rest) == lab.device
    for section in set(type(lab).model_fields) - {"device"}:
        assert getattr(lab4f, section) == getattr(lab, section)
    mft11 = load_profile("mft11")
    assert mft11.device.n == 11
    assert 20.0 <= mft11.modulator.p_pi_mw <= 25.0
    assert 5.0 <= mft11.thermal.tau_us <= 10.0
    nextgen = load_profile("nextgen")
    assert nextgen.device.n == 64
    assert nextgen.thermal.tau_us <= 1.0
    assert nextgen.timing.exposure_us <= 1.0


@pytest.mark.parametrize("name", ["lab", "lab4f", "mft11", "nextgen"])
def test_a_window_of_two_pi_fits_and_frames_settle(name: str) -> None:
    profile = load_profile(name)
    assert profile.modulator.power_full_mw >= 2.5 * profile.modulator.p_pi_mw
    assert profile.timing.settle_us >= 7 * profile.thermal.tau_us
    # Every heater at full code must not trip the interlock of a device at its coolest job.
    assert profile.thermal.interlock_k > profile.thermal.ambient_k + 5.0


@pytest.mark.parametrize("name", ["lab", "lab4f", "mft11", "nextgen"])
def test_heaters_at_their_mean_power_are_what_the_energy_counts(name: str) -> None:
    profile = load_profile(name)
    n, mod = profile.device.n, profile.modulator
    # Between a fifth and the whole of full power; losses of drivers beside.
    full_w = 4e-3 * n * n * mod.power_full_mw
    assert 0.2 * full_w < profile.power.heaters_w <= full_w


def test_every_value_names_its_source() -> None:
    folder = Path(profile_module.__file__).parent / "profiles"
    files = sorted(folder.glob("*.toml"))
    assert len(files) == len(profile_names())
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


def test_a_profile_can_come_from_a_file(tmp_path: Path) -> None:
    packaged = Path(profile_module.__file__).parent / "profiles" / "lab.toml"
    own = tmp_path / "own.toml"
    own.write_text(packaged.read_text().replace('name = "lab"', 'name = "own"'))
    assert load_profile(own).device.name == "own"
    assert load_profile(str(own)).device.name == "own"


def test_unknown_and_unreadable_profiles_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(
        ProfileError, match=r"unknown profile 'labb'.*ideal, lab, lab4f, mft11, nextgen"
    ):
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
