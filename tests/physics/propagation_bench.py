"""An optical bench of sampled fields: emitters, a lens, receivers, and the space between them.

It shares nothing with `optical_device`: square emitters of finite width on a grid of 5 um, the
angular spectrum's exact (not paraxial) transfer function over the focal length, a thin lens
exp(-i pi r^2 / (lambda f)) behind a hard round stop, another focal length, and the field at the
receivers, lambda f / (N p) apart.  No scale or phase is fitted: the focal field of paraxial optics
is N (w p)^2 / (i lambda f) times the reduced model's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy.fft
from numpy.typing import NDArray

from optical_device import lens

WAVELENGTH = 1.55e-6
"""For which the camera is placed."""
SAMPLES, STEP = 1200, 5e-6

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


@dataclass(frozen=True)
class Bench:
    """An emitter array in the front focal plane of a lens, receivers in the back one; in metres."""

    n: int = 16
    pitch: float = 64e-6
    width: float = 0.5
    """Of an emitter, in pitches."""
    focal: float = 20e-3
    stop: float = 2.45e-3
    """Radius of the lens."""
    contact: bool = False
    """The array against the lens, not a focal length before it."""
    camera_shift: tuple[float, float] = (0.0, 0.0)
    """Of the receivers, in receiver pitches."""
    input_shift: tuple[float, float] = (0.0, 0.0)
    """Of the emitters, in emitter pitches."""
    rotation: float = 0.0
    """Of the receivers about the axis, from rows towards columns [rad]."""
    magnification: float = 1.0
    """Of the receivers' pitch."""
    receiver: float = 0.0
    """Width over which a receiver averages the field, in receiver pitches."""
    wavelength: float = WAVELENGTH

    @property
    def receiver_pitch(self) -> float:
        return WAVELENGTH * self.focal / (self.n * self.pitch)

    @property
    def radius(self) -> float:
        """Of the disc around the array, on which the Zernike polynomials are defined."""
        return self.n * self.pitch / np.sqrt(2.0)

    @property
    def camera_matrix(self) -> Floats:
        """(2, 2) from a receiver's (row, column) to the frequency it sees, 1 / (N p) apart."""
        cos, sin = np.cos(self.rotation), np.sin(self.rotation)
        scale = self.magnification * WAVELENGTH / self.wavelength
        return scale * np.array([[cos, -sin], [sin, cos]])

    def frequencies(self) -> tuple[Floats, Floats]:
        """Of each receiver, in rows and columns of 1 / (N p), (N, N) each."""
        u = np.arange(self.n) - self.n // 2
        places = np.stack(np.meshgrid(u, u, indexing="ij"))
        row, column = np.einsum("ij,juv->iuv", self.camera_matrix, places)
        return row + self.camera_shift[0], column + self.camera_shift[1]


X = (np.arange(SAMPLES) - SAMPLES // 2) * STEP
FREQUENCY = scipy.fft.fftfreq(SAMPLES, STEP)


@cache
def free_space(distance: float, wavelength: float) -> NDArray[np.complex64]:
    """Transfer function of the angular spectrum, less the phase of the axis (Goodman, ch. 3.10)."""
    square = FREQUENCY[:, None] ** 2 + FREQUENCY[None, :] ** 2
    excess = np.sqrt(wavelength**-2 - square) - 1.0 / wavelength
    return np.exp(2j * np.pi * distance * excess).astype(np.complex64)


def propagate(
    field: NDArray[np.complex64], distance: float, wavelength: float = WAVELENGTH
) -> NDArray[np.complex64]:
    return np.asarray(scipy.fft.ifft2(scipy.fft.fft2(field) * free_space(distance, wavelength)))


def emitted(bench: Bench, z: Complexes) -> NDArray[np.complex64]:
    """Sampled field of the emitters, from the exact spectrum of a square: edges fall anywhere.

    Light too steep for the window would come back in from its other side; it misses the lens.
    """
    lines = []
    for shift in bench.input_shift:
        position = (np.arange(bench.n) - bench.n // 2 + shift) * bench.pitch - X[0]
        side = bench.width * bench.pitch
        line = np.exp(-2j * np.pi * np.outer(FREQUENCY, position))
        line *= (np.sinc(FREQUENCY * side) * side / STEP)[:, None]
        reach = SAMPLES * STEP / 2 - bench.n * bench.pitch / 2
        line[np.abs(FREQUENCY) * bench.wavelength * bench.focal > reach] = 0.0
        lines.append(line)
    return np.asarray(scipy.fft.ifft2((lines[0] @ z @ lines[1].T).astype(np.complex64)))


def at_receivers(bench: Bench, field: NDArray[np.complex64]) -> Complexes:
    """The field at points (or its mean over squares) off the grid: a band-limited sum, exact."""
    # In metres: a frequency lies where its own wavelength brings it.
    scale = bench.receiver_pitch * bench.wavelength / WAVELENGTH
    rows, columns = (scale * frequency - X[0] for frequency in bench.frequencies())
    spread = np.sinc(FREQUENCY * bench.receiver * bench.receiver_pitch)
    spectrum = spread[:, None] * scipy.fft.fft2(field) * spread

    def waves(places: Floats) -> Complexes:
        return np.asarray(np.exp(2j * np.pi * np.outer(places, FREQUENCY)) / SAMPLES)

    if bench.rotation == 0.0:  # rows of receivers are rows of the field
        return np.asarray(waves(rows[:, 0]) @ spectrum @ waves(columns[0]).T)
    along = waves(rows.ravel()).astype(np.complex64) @ spectrum.astype(np.complex64)
    return np.asarray(np.sum(along * waves(columns.ravel()), axis=1).reshape(rows.shape))


def propagated(
    bench: Bench, z: Complexes, *, at_emitters: Floats | None = None, at_lens: Floats | None = None
) -> Complexes:
    """Field at the receivers; wavefront errors [waves] sampled on the grid, in either plane."""
    field = emitted(bench, z)
    if at_emitters is not None:
        field *= np.exp(2j * np.pi * at_emitters).astype(np.complex64)
    if not bench.contact:
        field = propagate(field, bench.focal, bench.wavelength)
    square = X[:, None] ** 2 + X[None, :] ** 2
    glass = np.exp(-1j * np.pi * square / (bench.wavelength * bench.focal))
    glass *= square < bench.stop**2
    if at_lens is not None:
        glass *= np.exp(2j * np.pi * at_lens)
    behind = field * glass.astype(np.complex64)
    return at_receivers(bench, propagate(behind, bench.focal, bench.wavelength))


def reduced(bench: Bench, z: Complexes, waves: Floats | None = None) -> Complexes:
    """The emulator's lens with the maps that fabrication makes of the same errors."""
    n = bench.n
    before, after = lens.axis_maps(n)
    input_map = before * lens.shift_map(n, bench.camera_shift)
    if waves is not None:
        input_map = input_map * np.exp(2j * np.pi * waves)
    change = bench.wavelength / WAVELENGTH - 1.0
    matrix = lens.camera_matrix(bench.rotation, bench.magnification, change)
    output_map = after * lens.envelope(n, bench.width, matrix, bench.camera_shift)
    output_map = output_map * lens.shift_map(n, lens.seen_shift(bench.input_shift, matrix))
    scale = n * (bench.width * bench.pitch) ** 2 / (1j * bench.wavelength * bench.focal)
    # Both shifts together turn the whole field by a constant, which the maps leave out.
    turn = np.dot(bench.camera_shift, bench.input_shift) / n
    scale = scale * np.exp(-2j * np.pi * turn)
    field = input_map * z
    straight = np.array_equal(matrix, np.eye(2))
    seen = lens.transform(field) if straight else lens.turned_transform(field, matrix)
    return np.asarray(scale * output_map * seen)


COEFFICIENTS = (0.7, -1.2, 0.4, 1.0, -0.8, 0.6, -0.5, 1.1)


def mixture(row: Floats, column: Floats) -> Floats:
    """Defocus to spherical aberration as in textbooks (Noll's table I), of places in disc radii.

    They go on beyond the disc, as far as light goes.
    """
    r, a = np.minimum(np.hypot(row, column), 2.0), np.arctan2(row, column)
    noll = (
        np.sqrt(3) * (2 * r**2 - 1),
        np.sqrt(6) * r**2 * np.sin(2 * a),
        np.sqrt(6) * r**2 * np.cos(2 * a),
        np.sqrt(8) * (3 * r**3 - 2 * r) * np.sin(a),
        np.sqrt(8) * (3 * r**3 - 2 * r) * np.cos(a),
        np.sqrt(8) * r**3 * np.sin(3 * a),
        np.sqrt(8) * r**3 * np.cos(3 * a),
        np.sqrt(5) * (6 * r**4 - 6 * r**2 + 1),
    )
    return np.asarray(sum(c * z for c, z in zip(COEFFICIENTS, noll, strict=True)))


def aberration(bench: Bench, rms: float = 0.05) -> tuple[Floats, Floats]:
    """A wavefront error that sits on the array [waves]: on the fine grid, and the emulator's."""
    waves = lens.wavefront(bench.n, np.array(COEFFICIENTS), 4, rms)
    place = (np.arange(bench.n) - bench.n // 2) * bench.pitch / bench.radius
    coarse = mixture(*np.meshgrid(place, place, indexing="ij"))
    scale = rms / np.std(coarse)
    # Two writings of the same polynomials: rounding only.
    np.testing.assert_allclose((coarse - coarse.mean()) * scale, waves, atol=1e-13)
    lines = [(X - shift * bench.pitch) / bench.radius for shift in bench.input_shift]
    return (mixture(*np.meshgrid(*lines, indexing="ij")) - coarse.mean()) * scale, waves


def error(seen: Complexes, expected: Complexes) -> float:
    return float(np.linalg.norm(seen - expected) / np.linalg.norm(expected))
