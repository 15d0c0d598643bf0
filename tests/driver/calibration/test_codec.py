"""The C host path against the NumPy codec, on one calibration."""

from __future__ import annotations

import numpy as np
import pytest
import reference_codec
from convolution_error import photograph_tiles, without_polynomial


@pytest.fixture(scope="module")
def targets():
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((2, 32, 32)) + 1j * rng.standard_normal((2, 32, 32))
    return np.concatenate([without_polynomial(photograph_tiles(32, 3)) + 0j, noise])


def test_encode_realises_the_targets_as_the_reference_does(specimen, targets):
    """By the model, C's codes miss the target by as much as the reference's, whose floor is the
    14-bit grid, and by what its two rounds for crosstalk leave, the first of which knows the
    couplings' means alone.  That is 0.9 to 1.5e-3 of the RMS field of three specimens: a tenth of
    the heat comes from elsewhere, a tenth of that is the couplings' scatter, and the second round
    leaves a tenth, 1e-3 of the heat.  Half as much again is wrong."""
    calibration, info = specimen.calibration, specimen.device.info
    specimen.device.load_calibration(calibration)
    ours = specimen.device.encode(targets.astype(np.complex64))
    reference = reference_codec.encode(targets, calibration, info)
    np.testing.assert_allclose(ours.scale, reference.scale, rtol=1e-5)
    wanted = targets * reference.scale[:, None, None]

    def miss(codes):
        field = reference_codec.realised(np.asarray(codes), calibration, info)
        return np.sqrt(np.mean(np.abs(field - wanted) ** 2, (1, 2)))

    rms = np.sqrt(np.mean(np.abs(wanted) ** 2, (1, 2)))
    assert np.all(miss(ours.codes) < np.hypot(miss(reference.codes), 1.5 * 1.5e-3 * rms))


def test_decode_is_the_reference_s(specimen, targets):
    """The same counts; float32 arithmetic on them: a few 6e-8 of the largest bin."""
    specimen.device.load_calibration(specimen.calibration)
    encoded = specimen.device.encode(targets.astype(np.complex64))
    counts = specimen.device.expose(encoded.codes, launch_step=encoded.launch_step)
    seen = specimen.device.decode(counts, encoded)
    expected = reference_codec.decode(
        counts[:, None],
        encoded.launch_step[:, None].astype(int),
        encoded.scale.astype(float),
        specimen.calibration,
    )
    assert np.max(np.abs(seen - expected)) < 1e-6 * np.max(np.abs(expected))


def test_decoded_spectra_are_the_targets_spectra(specimen, targets):
    """Flat spectra (random targets) meet one exposure's noise of a few per cent, most of it camera
    noise; wrong maps, signs or orders would give 100 %."""
    encoded = reference_codec.encode(targets[3:], specimen.calibration, specimen.device.info)
    codec = reference_codec.Codec(specimen.device, specimen.calibration)
    seen = codec._measure(encoded, two_gain=False, repeats=1)
    exact = np.fft.fft2(targets[3:], norm="ortho")
    error = np.sqrt(np.mean(np.abs(seen - exact) ** 2) / np.mean(np.abs(exact) ** 2))
    assert error < 0.05


def test_merged_exposures_keep_saturated_bins_from_the_dim_one(specimen):
    """One bin, two exposures 8 : 1, the bright one saturated: the dim one's value stands."""
    calibration = specimen.calibration
    size = calibration.grid[0]
    step = np.array([[20, 8]])
    black = float(np.mean(calibration.black_dn))
    counts = np.full((1, 2, 4, size, size), black + 600)
    counts[0, :, 0] += 400
    counts[0, :, 2] -= 400
    counts[0, 1, 1] = np.ceil(calibration.saturation_dn)
    merged = reference_codec.decode(counts, step, np.ones(1), calibration)
    dim = reference_codec.decode(counts[:, :1], step[:, :1], np.ones(1), calibration)
    np.testing.assert_allclose(merged, dim, rtol=1e-9)
