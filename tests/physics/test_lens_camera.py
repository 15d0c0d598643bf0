"""A camera that is turned, too large or lit by another wavelength, against propagating fields.

`propagation_bench` puts its receivers where such a camera has its pixels and lets the light come;
the emulator changes its transform.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from propagation_bench import WAVELENGTH, Bench, Complexes, error, propagated, reduced

from optical_device import lens


@pytest.fixture(scope="module")
def z() -> Complexes:
    rng = np.random.default_rng(20240301)
    return rng.standard_normal((16, 16)) + 1j * rng.standard_normal((16, 16))


@pytest.mark.parametrize(
    "bench",
    [
        Bench(rotation=0.035),
        Bench(rotation=-0.02, magnification=1.03),
        Bench(magnification=0.9),
        Bench(wavelength=1.565e-6),
        Bench(
            rotation=0.03, magnification=0.98, camera_shift=(0.3, -0.4), input_shift=(-0.25, 0.1)
        ),
    ],
    ids=["turned", "turned-larger", "smaller", "redder", "turned-shifted"],
)
def test_the_turned_lens_is_propagation_to_one_percent(bench: Bench, z: Complexes) -> None:
    # What is left is what the plain lens leaves, 0.4 % of angles and stop: nothing is added.
    seen = propagated(bench, z)
    assert error(seen, reduced(bench, z)) < 0.01
    # A camera that is taken for a straight one, or turned the other way, is far off.
    other = replace(bench, rotation=-bench.rotation, magnification=1.0, wavelength=WAVELENGTH)
    assert error(seen, reduced(other, z)) > 0.1


@pytest.mark.parametrize("shift", [0.5, 2.0])
def test_the_envelope_follows_the_shift(shift: float, z: Complexes) -> None:
    # The element factor belongs to angles: a camera off by d pixels sees sinc((u + d) w / N).
    # Were it left with the pixels, half a pixel would cost 0.9 % and two 3 %.
    bench = Bench(camera_shift=(shift, -0.3 * shift))
    seen, model = propagated(bench, z), reduced(bench, z)
    assert error(seen, model) < 0.005
    staying = model * lens.envelope(16, 0.5)
    staying /= lens.envelope(16, 0.5, shift_px=bench.camera_shift)
    assert error(seen, staying) > error(seen, model) + 0.001 * shift


def test_magnification_ends_with_the_angles_not_before(z: Complexes) -> None:
    # A camera twice as large looks at angles twice as wide, past the first zero of receivers'
    # sampling; it is exact there too, to the paraxial error of `test_angles_end_the_reduction`,
    # k f t^4 / 8 at an angle t.
    assert error(propagated(b := Bench(magnification=2.0), z), reduced(b, z)) < 0.01
    far = Bench(magnification=3.5, stop=2.9e-3)
    # Here receivers of the outer ring are in the emitters' shade, and count for less.
    place = np.hypot(*far.frequencies()) * WAVELENGTH / (far.n * far.pitch)
    weight = lens.envelope(far.n, far.width, lens.camera_matrix(0.0, far.magnification)) ** 2
    phase = 2 * np.pi / WAVELENGTH * far.focal * place**4 / 8
    expected = np.sqrt(np.sum(weight * phase**2) / np.sum(weight))
    seen = error(propagated(far, z), reduced(far, z))
    assert seen == pytest.approx(expected, rel=0.25)
    assert seen > 0.01


def exact(z: Complexes, matrix: lens.Matrix) -> Complexes:
    """1/N sum z e^{-2 pi i (r-c) . B (u-c) / N}, term by term."""
    n = z.shape[0]
    x = np.arange(n) - n // 2
    row, column = np.meshgrid(x, x, indexing="ij")
    (b11, b12), (b21, b22) = matrix
    first, second = b11 * row + b12 * column, b21 * row + b22 * column
    along = np.exp(-2j * np.pi / n * np.outer(first.ravel(), x))
    across = np.exp(-2j * np.pi / n * np.outer(second.ravel(), x))
    return np.asarray(np.einsum("kr,rc,kc->k", along, z, across).reshape(n, n) / n)


@pytest.mark.parametrize("n", [11, 16, 32])
@pytest.mark.parametrize("share", [0.01, 0.3, 1.0])
def test_the_expansion_keeps_its_bound(n: int, share: float) -> None:
    # The one term that is a series: to the order at which its rest is 2^-24 of each emitter's
    # light.  Rotations up to the profile's limit, pi N |B12| / 2 = 1, with every other effect.
    rng = np.random.default_rng(n)
    z = rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n))
    angle = np.arcsin(share * 2 / (np.pi * n) / 1.01)
    for sign in (1.0, -1.0):
        matrix = lens.camera_matrix(sign * angle, 1.01, 0.0)
        before, after = lens.axis_maps(n)
        seen = after * lens.turned_transform(before * z, matrix)
        # Every term is at most 2^-24 of its emitter: all together at most sum |z| / N of it.
        assert np.abs(seen - exact(z, matrix)).max() < 2.0**-24 * np.abs(z).sum() / n + 1e-12


def test_the_orders_are_the_smallest_that_keep_the_bound() -> None:
    # The rest of e^{i kappa} after order K, summed to the end, against 2^-24.
    for kappa in (1e-8, 1e-3, 0.03, 0.3, 1.0):
        order = lens.shear_order(kappa)

        def rest(first: int, kappa: float = kappa) -> float:
            terms = kappa ** np.arange(first, first + 40.0)
            factorials = np.cumprod(np.concatenate([[1.0], np.arange(1.0, first + 40.0)]))
            return float(np.sum(terms / factorials[first : first + 40]))

        assert rest(order + 1) <= 2.0**-24
        if order:
            # The bound is a geometric one: at most 1 / (1 - kappa / (K + 2)) above the true rest.
            assert rest(order) > 2.0**-24 * (1.0 - kappa / (order + 1))


def test_a_stop_is_not_the_vignetting_of_this_model(z: Complexes) -> None:
    # The map dims receivers.  A stop in the Fourier lens instead takes the outer receivers' light
    # from the emitters on the other side: at a stop that costs a corner receiver some 3 % of its
    # power, the field is off by 9 %, and no amount of vignetting takes a hundredth of that back.
    bench = replace(Bench(), stop=0.9e-3)
    seen, plain = propagated(bench, z), reduced(bench, z)
    without = error(seen, plain)
    losses = np.linspace(0.0, 0.3, 31)
    with_map = [error(seen, plain * lens.vignette(16, loss)) for loss in losses]
    assert without > 0.05
    assert min(with_map) > 0.98 * without


def test_vignetting_is_a_filter_before_the_camera(z: Complexes) -> None:
    # What the model is: a transmission that falls as the square of the distance from the axis,
    # here laid over the propagated field at the receivers, in metres.
    bench, loss = Bench(), 0.3
    place = (np.arange(16) - 8) * bench.receiver_pitch
    corner = 2 * (8 * bench.receiver_pitch) ** 2
    power = 1.0 - loss * (place[:, None] ** 2 + place[None, :] ** 2) / corner
    seen = propagated(bench, z) * np.sqrt(power)
    assert error(seen, reduced(bench, z) * lens.vignette(16, loss)) < 0.005
    assert lens.vignette(16, loss)[0, 0] ** 2 == pytest.approx(1 - loss, rel=1e-12)
    assert lens.vignette(16, loss)[8, 8] == 1.0
