"""Counter-based noise: Philox4x32 and the normals that camera, laser and sensors draw from it.

A draw depends on (seed, frame, pixel, stream, exposure) and on nothing else, so that any split of a
batch, any order and any number of threads give the same noise.

Source of the generator: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC'11; known-answer vectors from the authors' Random123 library.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "PHILOX_ROUNDS",
    "Stream",
    "box_muller",
    "camera_normals",
    "camera_uniforms",
    "philox4x32",
    "scalar_normals",
]

PHILOX_ROUNDS = 7
_MULTIPLIER = (np.uint64(0xD2511F53), np.uint64(0xCD9E8D57))
_WEYL = (0x9E3779B9, 0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_SHIFT = np.uint64(32)

Words = NDArray[np.uint32]


class Stream(IntEnum):
    """Which consumer a draw is for; occupies the low byte of counter word 3."""

    CAMERA = 1
    LASER = 2
    SENSORS = 3
    READ = 4
    """Read noise of a camera whose shot noise is Poisson's."""


def philox4x32(
    counter: tuple[Any, Any, Any, Any], key: tuple[int, int], rounds: int = PHILOX_ROUNDS
) -> tuple[Words, Words, Words, Words]:
    """Philox4x32: four 32-bit counter words and two key words to four random 32-bit words.

    Each round, with 32 x 32 -> 64-bit products p0 = M0 c0 and p1 = M1 c2::

        (c0, c1, c2, c3) <- (hi p1 ^ c1 ^ k0, lo p1, hi p0 ^ c3 ^ k1, lo p0)

    and both key words grow by their Weyl constants between rounds.

    Parameters
    ----------
    counter : four ints or integer arrays, broadcast together
        Counter words, each in [0, 2^32).
    key : two ints
        Key words, each in [0, 2^32).
    rounds : int
        7 for the device's noise, 10 for the published default.

    Returns
    -------
    four uint32 arrays of the broadcast shape
    """
    c0, c1, c2, c3 = (np.asarray(word, dtype=np.uint64) for word in counter)
    k0, k1 = key
    for _ in range(rounds):
        p0, p1 = _MULTIPLIER[0] * c0, _MULTIPLIER[1] * c2
        c0, c1, c2, c3 = (
            (p1 >> _SHIFT) ^ c1 ^ np.uint64(k0),
            p1 & _LOW,
            (p0 >> _SHIFT) ^ c3 ^ np.uint64(k1),
            p0 & _LOW,
        )
        k0, k1 = (k0 + _WEYL[0]) & 0xFFFFFFFF, (k1 + _WEYL[1]) & 0xFFFFFFFF
    w0, w1, w2, w3 = np.broadcast_arrays(c0, c1, c2, c3)
    return (
        w0.astype(np.uint32),
        w1.astype(np.uint32),
        w2.astype(np.uint32),
        w3.astype(np.uint32),
    )


def box_muller(w0: Words, w1: Words) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two independent standard normals from two words.

    rho = sqrt(-2 ln((floor(w0 / 2^9) + 1/2) 2^-23)),  a = 2 pi floor(w1 / 2^8) 2^-24,
    n0 = rho cos a,  n1 = rho sin a.  The largest rho is sqrt(2 ln 2^24) = 5.77.
    """
    uniform = ((w0 >> np.uint32(9)).astype(np.float64) + 0.5) * 2.0**-23
    angle = (w1 >> np.uint32(8)).astype(np.float64) * (2.0 * np.pi * 2.0**-24)
    radius = np.sqrt(-2.0 * np.log(uniform))
    return radius * np.cos(angle), radius * np.sin(angle)


def _words(
    pixel: Any, seed: int, frame: int, stream: Stream, exposure: int
) -> tuple[Words, Words, Words, Words]:
    return philox4x32(
        (pixel, frame & 0xFFFFFFFF, frame >> 32, int(stream) + 256 * exposure),
        (seed & 0xFFFFFFFF, seed >> 32),
    )


def _normals(
    pixel: Any, seed: int, frame: int, stream: Stream, exposure: int, count: int
) -> NDArray[np.float64]:
    words = _words(pixel, seed, frame, stream, exposure)
    normals = [*box_muller(words[0], words[1])]
    if count > 2:
        normals.extend(box_muller(words[2], words[3]))
    return np.stack(normals[:count])


def camera_normals(
    seed: int, frame: int, n: int, exposures: int, steps: int, stream: Stream = Stream.CAMERA
) -> NDArray[np.float64]:
    """Standard normals of a frame's camera noise, shape (exposures, steps, n, n).

    Step k of exposure e takes normal k of counter (row n + column, frame, stream + 256 e).
    """
    pixel = np.arange(n * n, dtype=np.uint64)
    draws = [
        _normals(pixel, seed, frame, stream, exposure, steps).reshape(steps, n, n)
        for exposure in range(exposures)
    ]
    return np.stack(draws)


def camera_uniforms(
    seed: int, frame: int, n: int, exposures: int, steps: int
) -> NDArray[np.float64]:
    """Uniforms in (0, 1) of a frame's Poisson shot noise, shape (exposures, steps, n, n).

    U_k = (floor(w_k / 2^8) + 1/2) 2^-24 of word k of counter (row n + column, frame, CAMERA +
    256 e) for step k of exposure e: the words of `camera_normals`, as they are.
    """
    pixel = np.arange(n * n, dtype=np.uint64)
    draws = []
    for exposure in range(exposures):
        words = np.stack(_words(pixel, seed, frame, Stream.CAMERA, exposure)[:steps])
        draws.append(((words >> np.uint32(8)) + 0.5) * 2.0**-24)
    return np.stack(draws).reshape(exposures, steps, n, n)


def scalar_normals(
    seed: int, frame: int, stream: Stream, exposures: int = 1, count: int = 4, index: int = 0
) -> NDArray[np.float64]:
    """Standard normals of one number per step or sensor, shape (exposures, count).

    `index` takes the pixel's place in the counter: 0 for the laser, the reading for sensors.
    """
    return np.stack(
        [_normals(index, seed, frame, stream, exposure, count) for exposure in range(exposures)]
    )
