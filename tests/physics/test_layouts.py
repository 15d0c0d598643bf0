"""Whole devices of both layouts, at the boundary, against one or two lenses of sampled fields.

The bench gets the alignment of a specimen that is off in everything, and lets light run from chip
to chip to camera.  The 4f layout is also the circular convolution that it is built for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from boundary import FORMS, Complexes, Floats, four_steps, opened, stage_codes
from numpy.typing import NDArray
from propagation_bench import WAVELENGTH, Bench, propagated

from optical_device.fabrication import Fabrication, fabricate
from optical_device.lens import axis_maps
from optical_device.profile import load_profile

N = 16

MISALIGNED = {
    "device__n": N,
    "lens__element_width_fraction": 0.5,
    "lens__camera_shift_px": 0.25,
    "lens__input_shift_px": 0.25,
    "lens__camera_rotation_mrad": 6.0,
    "lens__magnification_error": 0.01,
    "middle__shift_px": 0.25,
}


def shift_of(plane: Complexes) -> tuple[float, float]:
    """Pixels by which a map's linear phase shifts the spectrum."""
    c = N // 2
    slopes = (plane[c + 1, c] / plane[c, c], plane[c, c + 1] / plane[c, c])
    row, column = (-float(np.angle(slope)) * N / (2 * np.pi) for slope in slopes)
    return row, column


def through_one_lens(bench: Bench, z: Complexes) -> Complexes:
    """Field at the receivers, in the units of an orthonormal transform."""
    scale = N * (bench.width * bench.pitch) ** 2 / (1j * WAVELENGTH * bench.focal)
    return propagated(bench, z) / scale


def bench_of(f: Fabrication, plane: Complexes) -> Bench:
    """The bench that is misaligned as the specimen is; `plane` has the camera's shift.

    The output map has the emitters', seen by the turned camera.
    """
    bench = replace(
        Bench(),
        camera_shift=shift_of(plane),
        rotation=f.rotation_rad,
        magnification=f.magnification,
    )
    seen = shift_of(f.output_map / axis_maps(N)[1])
    row, column = np.linalg.solve(bench.camera_matrix.T, seen)
    return replace(bench, input_shift=(float(row), float(column)))


def error(seen: Complexes, expected: Complexes) -> float:
    """Relative RMS, a common complex factor apart: where counts have their origin of phase."""
    factor = np.vdot(expected, seen) / np.vdot(expected, expected)
    return float(np.linalg.norm(seen / factor - expected) / np.linalg.norm(expected))


def random_field(seed: int) -> Complexes:
    rng = np.random.default_rng(seed)
    return 0.95 * rng.random((N, N)) * np.exp(2j * np.pi * rng.random((N, N)))


def codes(first: NDArray[Any], second: NDArray[Any]) -> NDArray[np.float32]:
    return np.stack([stage_codes(first[None])[0], stage_codes(second[None])[0]])[None]


@cache
def one_lens(seed: int) -> tuple[Complexes, Complexes]:
    """What the bench has at the camera of a specimen, and of an aligned one: layout mft."""
    product = random_field(10) * random_field(11)
    f = fabricate(load_profile("ideal", **MISALIGNED), seed)
    bench = bench_of(f, f.input_map / axis_maps(N)[0])
    return through_one_lens(bench, product), through_one_lens(Bench(), product)


@cache
def two_lenses(seed: int) -> tuple[Complexes, Complexes]:
    """The same of layout 4f, and with the spectrum in its place on chip b."""
    first, second = random_field(10), random_field(11)
    f = fabricate(load_profile("ideal", device__layout="4f", **MISALIGNED), seed)
    between = Bench(camera_shift=shift_of(f.input_map / axis_maps(N)[0]))
    last = bench_of(f, f.middle_map / np.prod(axis_maps(N), axis=0))
    caught, straight = through_one_lens(between, first), through_one_lens(Bench(), first)
    return through_one_lens(last, second * caught), through_one_lens(last, second * straight)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize(("layout", "bench"), [("mft", one_lens), ("4f", two_lenses)])
def test_whole_devices_are_their_lenses(
    form: str, seed: int, layout: str, bench: Callable[[int], tuple[Complexes, Complexes]]
) -> None:
    options = MISALIGNED | {"device__layout": layout}
    launch_step = 12 if layout == "mft" else 10
    with opened(form, "ideal", seed, **options) as device:
        counts = device.expose(codes(random_field(10), random_field(11)), launch_step=launch_step)
    seen = four_steps(counts)[0]
    expected, aligned = bench(seed)
    # Each lens is good to half of the claim; a second one's error comes on top.
    assert error(seen, expected) < 0.01
    # Aligned, or with shifts on chip b alone left out, it would be another field altogether.
    assert error(seen, aligned) > 0.1


def circular(picture: Floats, kernel: Floats) -> Floats:
    """Circular convolution, by its sum: kernel (k, k) about its centre."""
    reach = kernel.shape[0] // 2
    total = np.zeros_like(picture)
    for (row, column), weight in np.ndenumerate(kernel):
        total += weight * np.roll(picture, (row - reach, column - reach), axis=(0, 1))
    return total


@pytest.mark.parametrize("form", FORMS)
def test_4f_convolves(form: str) -> None:
    # Chip b holds the kernel's spectrum about the axis, largest magnitude 1; the camera sees the
    # convolution turned by 180 degrees about the axis.
    rng = np.random.default_rng(5)
    picture, kernel = rng.uniform(-0.9, 0.9, (N, N)), rng.standard_normal((3, 3))
    wide = np.zeros((N, N))
    wide[N // 2 - 1 : N // 2 + 2, N // 2 - 1 : N // 2 + 2] = kernel
    spectrum = np.fft.fftshift(np.fft.fft2(np.fft.ifftshift(wide)))
    largest = np.abs(spectrum).max()
    options = {"device__n": N, "device__layout": "4f"}
    with opened(form, "ideal", 7, **options) as device:
        counts = device.expose(codes(picture, spectrum / largest), launch_step=10)
    seen = four_steps(counts)[0]
    turned = np.roll(circular(picture, kernel)[::-1, ::-1], 1, axis=(0, 1)) / largest
    # In the counts' own units: 4 S r* with rate 1e5 at 1.5 dB a step, a reference of 200.
    scale = 4 * np.sqrt(1e5 * 10**-1.5 * 200.0) * 100.0 * 0.72 / 25.0
    # Both axis maps together leave a phase of the axis, which the pixel's index doesn't change.
    phase = np.vdot(turned, seen) / abs(np.vdot(turned, seen))
    assert np.abs(seen / phase / scale - turned).max() < 1e-4 * np.abs(turned).max()
