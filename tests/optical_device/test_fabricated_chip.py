from __future__ import annotations

import numpy as np
import pytest

from optical_device.fabrication import Fabrication, fabricate
from optical_device.profile import load_profile


def test_converters_scatter_as_the_profile_says(sigmas: float) -> None:
    f = fabricate(load_profile("lab"), 7)
    lsb = 2**14 - 1
    assert f.dac_bow.shape == (2, 2, 64)
    assert f.dac_bit_error.shape == (2, 2, 64, 4)
    for values, size in ((f.dac_bow, 1.0), (f.dac_bit_error, 0.3)):
        # The RMS of n normals scatters by 1/sqrt(2 n) of itself.
        tolerance = sigmas / np.sqrt(2 * values.size)
        assert lsb * np.sqrt(np.mean(values**2)) == pytest.approx(size, rel=tolerance)
        assert np.unique(values).size == values.size


def test_without_a_converter_there_is_nothing_to_err() -> None:
    f = fabricate(load_profile("lab", device__n=4, device__dac_bits=0), 7)
    assert not f.dac_bow.any()
    assert not f.dac_bit_error.any()


def test_what_couplers_share_leaves_the_extinction_as_drawn() -> None:
    apart = fabricate(load_profile("lab", device__n=16), 7)
    alike = fabricate(load_profile("lab", device__n=16, modulator__coupler_common_spread=0.0), 7)

    def extinction(f: Fabrication) -> np.ndarray:
        return np.asarray((f.b0 + f.b1) / (f.b0 - f.b1))

    # A difference of 3 to 6 % of the arms, in double precision.
    np.testing.assert_allclose(extinction(apart), extinction(alike), rtol=1e-12)
    # b0 + b1 = sqrt(eta) for equal and opposite couplers; others lose light to the other port.
    loss = 1 - (apart.b0 + apart.b1) / (alike.b0 + alike.b1)
    assert loss.min() > -1e-12
    # sqrt(1 - 4 m^2) about: 2 m^2 on average for m of 2 %.
    assert loss.mean() == pytest.approx(2 * 0.02**2, rel=6.11 * np.sqrt(2 / loss.size))


def test_a_link_ring_and_diagonal_share_their_lot() -> None:
    plain = {"device__n": 8, "thermal__link_scatter": 0.0, "thermal__heat_length_pitches": 0.5}
    f = fabricate(load_profile("lab", **plain), 7)
    lot = f.links[0, 0, 0, 0, 0] / 0.02
    assert lot != 1.0
    from scipy.special import k0

    for value, distance in zip(
        (f.links[1, 1, 2, 0, 0], *f.ring), np.sqrt([2.0, 4.0, 5.0, 8.0]), strict=True
    ):
        assert value == pytest.approx(lot * 0.02 * k0(2 * distance) / k0(2.0), rel=1e-12)


def test_the_substrate_varies_from_device_to_device() -> None:
    profile = load_profile("lab", device__n=2)
    means = np.array([fabricate(profile, seed).substrate_k_per_mw[0, 0] for seed in range(40)])
    # 40 normals of 10 % about 1,228.8 K px/W over 4 pixels.
    assert means.mean() == pytest.approx(1228.8e-3 / 4, rel=6.11 * 0.1 / np.sqrt(40))
    assert means.std() / means.mean() == pytest.approx(0.1, rel=6.11 / np.sqrt(80))
