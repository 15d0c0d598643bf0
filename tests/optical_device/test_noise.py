from __future__ import annotations

import numpy as np
import pytest

from optical_device.noise import (
    Stream,
    box_muller,
    camera_normals,
    camera_uniforms,
    philox4x32,
    scalar_normals,
)

ONES = 0xFFFFFFFF
PI_COUNTER = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344)
PI_KEY = (0xA4093822, 0x299F31D0)

# Random123's kat_vectors, lines "philox4x32 7" and "philox4x32 10".
KNOWN_ANSWERS = [
    (7, (0, 0, 0, 0), (0, 0), (0x5F6FB709, 0x0D893F64, 0x4F121F81, 0x4F730A48)),
    (7, (ONES,) * 4, (ONES,) * 2, (0x5207DDC2, 0x45165E59, 0x4D8EE751, 0x8C52F662)),
    (7, PI_COUNTER, PI_KEY, (0x4DFCCABA, 0x190A87F0, 0xC47362BA, 0xB6B5242A)),
    (10, (0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (10, (ONES,) * 4, (ONES,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
    (10, PI_COUNTER, PI_KEY, (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)),
]


@pytest.mark.parametrize(("rounds", "counter", "key", "words"), KNOWN_ANSWERS)
def test_philox_gives_the_published_answers(
    rounds: int,
    counter: tuple[int, int, int, int],
    key: tuple[int, int],
    words: tuple[int, int, int, int],
) -> None:
    assert tuple(int(word) for word in philox4x32(counter, key, rounds)) == words


def test_philox_of_an_array_is_philox_of_each_element() -> None:
    pixels = np.array([0, 5, ONES], dtype=np.uint64)
    together = np.stack(philox4x32((pixels, 3, 4, 5), (6, 7)))
    for column, pixel in enumerate(pixels):
        alone = philox4x32((int(pixel), 3, 4, 5), (6, 7))
        assert [int(word) for word in alone] == together[:, column].tolist()


def test_box_muller_at_its_corners() -> None:
    words = np.array([0, ONES], dtype=np.uint32)
    n0, n1 = box_muller(words, np.zeros(2, dtype=np.uint32))
    # Smallest uniform 2^-24, largest 1 - 2^-24; at angle 0 all of the radius is in n0.
    np.testing.assert_allclose(n0, [np.sqrt(2 * np.log(2.0**24)), np.sqrt(2.0**-23)], rtol=1e-7)
    assert np.all(n1 == 0.0)
    quarter = np.full(2, 1 << 30, dtype=np.uint32)
    _, n1 = box_muller(words, quarter)
    np.testing.assert_allclose(n1, n0, rtol=1e-15)


def _sample() -> np.ndarray:
    return np.stack([camera_normals(7, frame, 64, 2, 4) for frame in range(8)])


def test_moments_are_those_of_a_standard_normal(sigmas: float) -> None:
    z = _sample().ravel()
    # The mean of z^p over n draws scatters by sqrt((E z^2p - (E z^p)^2) / n); the grid of 2^23
    # radii moves the moments by under 1e-6, far below.
    for power, expected, variance in [(1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)]:
        bound = sigmas * np.sqrt(variance / z.size)
        assert abs(np.mean(z**power) - expected) < bound, power


def test_tails_hold_the_right_share(sigmas: float) -> None:
    z = _sample().ravel()
    share = 0.0026997960632601866  # P(|z| > 3)
    bound = sigmas * np.sqrt(share * (1 - share) / z.size)
    assert abs(np.mean(np.abs(z) > 3.0) - share) < bound


def test_neighbouring_draws_are_uncorrelated(sigmas: float) -> None:
    z = _sample()  # (frame, exposure, step, row, column)
    pairs = {
        "frames": (z[1:], z[:-1]),
        "exposures": (z[:, 0], z[:, 1]),
        "pixels": (z[..., 1:], z[..., :-1]),
        "steps 0, 1": (z[:, :, 0], z[:, :, 1]),
        "steps 1, 2": (z[:, :, 1], z[:, :, 2]),
        "steps 2, 3": (z[:, :, 2], z[:, :, 3]),
        "seeds": (z[0], camera_normals(8, 0, 64, 2, 4)),
        "squares of a pair": ((z[:, :, 0] ** 2 - 1) / 2**0.5, (z[:, :, 1] ** 2 - 1) / 2**0.5),
    }
    for name, (a, b) in pairs.items():
        # A product of independent unit-variance draws has unit variance.
        assert abs(np.mean(a * b)) < sigmas / np.sqrt(a.size), name


def test_a_single_step_takes_the_first_normal() -> None:
    four, one = camera_normals(7, 3, 8, 2, 4), camera_normals(7, 3, 8, 2, 1)
    assert one.shape == (2, 1, 8, 8)
    assert np.array_equal(one[:, 0], four[:, 0])


def test_a_scalar_draw_is_that_of_pixel_zero_in_its_own_stream() -> None:
    assert not np.allclose(
        scalar_normals(7, 3, Stream.LASER)[0], camera_normals(7, 3, 8, 1, 4)[0, :, 0, 0]
    )
    same = scalar_normals(7, 3, Stream.CAMERA, exposures=2)
    assert np.array_equal(same, camera_normals(7, 3, 8, 2, 4)[:, :, 0, 0])


def test_both_halves_of_seed_and_frame_count() -> None:
    base = scalar_normals(7, 3, Stream.LASER)
    assert not np.allclose(base, scalar_normals(7 + 2**32, 3, Stream.LASER))
    assert not np.allclose(base, scalar_normals(7, 3 + 2**32, Stream.LASER))


PINNED = [-0.09626551429903574, 0.30307996293716355, 0.5819709560238074, 0.5495761560236663]


def test_first_draws_are_pinned() -> None:
    # Drawn once from this code after it gave the published answers; C draws the same words.
    assert camera_normals(7, 0, 2, 1, 4)[0, :, 0, 0].tolist() == pytest.approx(PINNED, rel=1e-14)


def test_uniforms_are_the_cameras_words_as_they_are() -> None:
    uniforms = camera_uniforms(7 + (5 << 32), 3 + (2 << 32), 4, 2, 3)
    assert uniforms.shape == (2, 3, 4, 4)
    for exposure in range(2):
        for r, q in [(0, 0), (1, 3), (3, 2)]:
            words = philox4x32((4 * r + q, 3, 2, 1 + 256 * exposure), (7, 5))
            expected = [(int(word) // 256 + 0.5) / 2**24 for word in words[:3]]
            assert uniforms[exposure, :, r, q].tolist() == expected


def test_uniforms_are_uniform(sigmas: float) -> None:
    u = np.stack([camera_uniforms(7, frame, 64, 2, 4) for frame in range(4)]).ravel()
    assert 0.0 < u.min() < u.max() < 1.0
    # Mean and mean square of n draws scatter by sqrt(1/12/n) and sqrt(4/45/n).
    assert abs(u.mean() - 1 / 2) < sigmas * np.sqrt(1 / 12 / u.size)
    assert abs(np.mean(u**2) - 1 / 3) < sigmas * np.sqrt(4 / 45 / u.size)


def test_read_noise_draws_apart_from_shot_noise(sigmas: float) -> None:
    read = np.stack([camera_normals(7, frame, 64, 2, 4, stream=Stream.READ) for frame in range(8)])
    shot = _sample()
    assert not np.any(read == shot)
    assert abs(np.mean(read * shot)) < sigmas / np.sqrt(read.size)
    assert abs(np.mean(read**2) - 1.0) < sigmas * np.sqrt(2.0 / read.size)
