from __future__ import annotations

import pytest

from optical_device.lens import LARGEST_SHEAR
from optical_device.profile import ProfileError, load_profile


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
        ({"device__detection": "two_step"}, ["device__detection='two_step'", "three_step"]),
        ({"device__dac_bits": 3}, ["device__dac_bits=3", "modulator__dac_bow_lsb", "4"]),
        ({"modulator__coupler_common_spread": 0.1}, ["modulator__coupler_common_spread=0.1"]),
        ({"modulator__dac_bow_lsb": -1.0}, ["modulator__dac_bow_lsb=-1.0", "equal to 0"]),
        ({"thermal__link_diagonal": 0.1}, ["thermal__link_diagonal", "link_nearest"]),
        ({"thermal__heat_length_pitches": 1.5}, ["thermal__heat_length_pitches=1.5", "1"]),
        ({"thermal__interlock_k": 298.0}, ["thermal__interlock_k=298.0", "298.0"]),
        ({"source__wavelength_nm": 0.0}, ["source__wavelength_nm=0.0", "greater than 0"]),
        ({"lens__camera_rotation_mrad": 2.0}, ["lens__camera_rotation_mrad=2.0", "at most 1.989"]),
        ({"lens__magnification_error": 0.1}, ["lens__magnification_error=0.1", "0.05"]),
        ({"lens__follows_wavelength": 1}, ["lens__follows_wavelength=1", "boolean"]),
        ({"lens__vignetting": 0.8}, ["lens__vignetting=0.8", "lens__vignetting_spread=0.1"]),
        ({"middle__shift_px": -0.1}, ["middle__shift_px=-0.1", "equal to 0"]),
        ({"middle__shift": 0.1}, ["did you mean middle__shift_px"]),
        ({"drift__gradient_lowest_hz": 2.0}, ["drift__gradient_lowest_hz", "drift__highest_hz"]),
        ({"drift__wavelength_lowest_hz": 1.0}, ["drift__wavelength_lowest_hz"]),
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


def test_errors_of_converters_need_bits_to_err_in() -> None:
    for bits in (0, 4, 14):
        assert load_profile("lab", device__dac_bits=bits).device.dac_bits == bits
    perfect = {"modulator__dac_bow_lsb": 0.0, "modulator__dac_bit_weight_lsb": 0.0}
    assert load_profile("lab", device__dac_bits=1, **perfect).device.dac_bits == 1


def test_the_largest_rotation_is_where_five_sigmas_shear_by_one_radian() -> None:
    # pi N sin(5 a) / 2 = 1 at N = 64: 5 a = 9.947 mrad.
    assert LARGEST_SHEAR == 1.0
    load_profile("lab", lens__camera_rotation_mrad=1.989)
    with pytest.raises(ProfileError, match=r"at most 1\.989"):
        load_profile("lab", lens__camera_rotation_mrad=1.99)
    load_profile("lab", device__n=32, lens__camera_rotation_mrad=3.9)
    # A camera that magnifies shears more.
    with pytest.raises(ProfileError, match="at most"):
        load_profile("lab", lens__camera_rotation_mrad=1.989, lens__magnification_error=0.01)
