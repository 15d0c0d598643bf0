"""The reduced lens (one DFT and two maps) against sampled fields that propagate through space.

The other side is `propagation_bench`; rotation, magnification and wavelength are in
`test_lens_camera.py`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from propagation_bench import (
    WAVELENGTH,
    Bench,
    Complexes,
    aberration,
    error,
    mixture,
    propagated,
    reduced,
)


@pytest.fixture(scope="module")
def z() -> Complexes:
    """Amplitudes and phases of the emitters: random, so that every receiver sees light."""
    rng = np.random.default_rng(20240229)
    return rng.standard_normal((16, 16)) + 1j * rng.standard_normal((16, 16))


SHIFTED = Bench(camera_shift=(0.3, -0.4), input_shift=(-0.25, 0.1))


@pytest.mark.parametrize("aberrated", [False, True], ids=["plain", "aberrated"])
@pytest.mark.parametrize("bench", [Bench(), SHIFTED], ids=["aligned", "shifted"])
def test_the_reduced_lens_is_propagation_to_one_percent(
    bench: Bench, aberrated: bool, z: Complexes
) -> None:
    # 1 % is what is claimed.  It is made of angles, 0.4 %, of the stop's edge, 0.2 %, and, shifted,
    # of the envelope's staying behind (next test but one): the tests below take each to its end.
    fine, waves = aberration(bench) if aberrated else (None, None)
    seen = propagated(bench, z, at_emitters=fine)
    assert error(seen, reduced(bench, z, waves)) < 0.01
    # And the check would see what it is about: the same without the errors is far off.
    if aberrated or bench is SHIFTED:
        assert error(seen, reduced(Bench(), z)) > 0.2


def test_wide_emitters_feel_the_slope_of_a_wavefront(z: Complexes) -> None:
    # The map gives an emitter one phase.  A slope of g waves per pitch across its width w also
    # turns its lobe, by g N receivers, where the envelope has its slope ~ w^2: the error rises as
    # w^2, from under 0.6 % without a wavefront, and passes 1 % between w = 0.5 and 0.75.
    errors = []
    for width in (0.25, 0.5, 0.75, 1.0):
        bench = Bench(width=width)
        fine, waves = aberration(bench)
        errors.append(error(propagated(bench, z, at_emitters=fine), reduced(bench, z, waves)))
        assert error(propagated(bench, z), reduced(bench, z)) < 0.006
    assert errors[1] < 0.01 < errors[2] < errors[3] < 0.03


def test_an_aberration_of_the_lens_is_the_map_only_where_the_lens_is(z: Complexes) -> None:
    # Against the lens every receiver looks through the same glass.  At a focal length, a receiver
    # at angle t looks through glass displaced by f t, up to 0.24 mm per axis of 0.72 mm: the
    # wavefront depends on the receiver, and no pair of maps describes it.
    near, far = Bench(contact=True), Bench()
    fine, waves = aberration(near)
    position = (np.arange(near.n) - near.n // 2) * near.receiver_pitch
    square = position[:, None] ** 2 + position[None, :] ** 2
    bowl = np.exp(1j * np.pi * square / (WAVELENGTH * near.focal))  # of one focal length only
    assert error(propagated(near, z, at_lens=fine), bowl * reduced(near, z, waves)) < 0.01
    assert error(propagated(far, z, at_lens=fine), reduced(far, z, waves)) > 0.1
    # Rays say how much, for a small aberration: 2 pi RMS of W(r + f t) - W(r) over emitters r and
    # receivers t.  Left out are diffraction over sqrt(lambda f), a quarter of the disc's radius,
    # and the bench's own 0.4 %.
    rms = 0.005
    fine, waves = aberration(far, rms)
    emitter = (np.arange(far.n) - far.n // 2) * far.pitch / far.radius
    row, column, down, right = np.meshgrid(
        emitter, emitter, position / far.radius, position / far.radius, indexing="ij"
    )
    at_emitter = mixture(row, column)
    scale = rms / np.std(at_emitter)
    moved = 2 * np.pi * scale * (mixture(row + down, column + right) - at_emitter)
    seen = error(propagated(far, z, at_lens=fine), reduced(far, z, waves))
    assert seen == pytest.approx(np.sqrt(np.mean(moved**2)), rel=0.2)
    # And no other pair of maps would do: emitters by receivers, the glass's phase is not of rank 1.
    phases = (moved + 2 * np.pi * scale * at_emitter).reshape(far.n**2, far.n**2)
    values = np.linalg.svd(np.exp(1j * phases), compute_uv=False)
    assert np.sqrt(1.0 - values[0] ** 2 / np.sum(values**2)) > 0.04


@pytest.mark.parametrize(
    ("pitch", "focal", "stop"),
    [
        (64e-6, 14e-3, 1.8e-3),
        (64e-6, 10e-3, 1.5e-3),
        (24e-6, 20e-3, 2.45e-3),
        (16e-6, 20e-3, 2.45e-3),
        (12e-6, 10e-3, 1.5e-3),
    ],
)
def test_angles_end_the_reduction(pitch: float, focal: float, stop: float, z: Complexes) -> None:
    # A thin parabola between flat planes leaves the path errors k f t^4 / 8 for a receiver at
    # angle t, to lambda / (sqrt 2 p) in the corner, and k r^4 / (8 f^3) for an emitter at r.  The
    # RMS of (x^2 + y^2)^2 over a square is 0.2295 of its corner's.  So 1 % is passed at 0.044 rad
    # in the corner: 24 um pitch at f = 20 mm, or f = 14 mm for the array of 1 mm.
    bench = Bench(pitch=pitch, focal=focal, stop=stop)
    wave_number = 2 * np.pi / WAVELENGTH
    receivers = wave_number * focal * (WAVELENGTH / (np.sqrt(2) * pitch)) ** 4 / 8
    emitters = wave_number * bench.radius**4 / (8 * focal**3)
    seen = error(propagated(bench, z), reduced(bench, z))
    assert seen > 0.01
    # The stop's edge adds up to 0.5 % in squares, and few receivers sample the corner coarsely.
    assert seen == pytest.approx(0.2295 * np.hypot(receivers, emitters), rel=0.2)


def test_the_lens_must_be_wider_than_the_light_it_bends(z: Complexes) -> None:
    # Light of the outermost emitters for the outermost receivers crosses the lens at r + f t,
    # 0.72 + 0.34 mm from its axis, and spreads by sqrt(lambda f) = 0.18 mm.
    errors = [
        error(propagated(replace(Bench(), stop=stop), z), reduced(Bench(), z))
        for stop in (0.7e-3, 1.1e-3, 1.6e-3)
    ]
    assert errors[0] > 0.1 > errors[1] > 0.01 > errors[2]


def test_a_receiver_that_averages_the_field_dims_the_outer_emitters(z: Complexes) -> None:
    # Four-step detection is linear in the field, so a receiver of width a multiplies the input
    # plane by sinc(x a / N): a factor of the input map, which calibration finds.
    bench = replace(Bench(), receiver=0.8)
    line = np.sinc((np.arange(16) - 8) * bench.receiver / 16)
    expected = reduced(bench, z * np.outer(line, line))
    assert error(propagated(bench, z), expected) < 0.01
    assert error(expected, reduced(bench, z)) > 0.1
