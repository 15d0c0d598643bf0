"""Noise against probability theory: its whole distribution, and independence at every distance.

Moments to the fourth, tails and nearest neighbours are in `tests/optical_device/test_noise.py`;
widths and neighbours of dark counts in `tests/driver/test_noise.py`.  Bounds are at 1e-9 each, for
many comparisons at once at 1e-14.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from driver import open_device
from optical_device.fabrication import fabricate
from optical_device.noise import (
    Stream,
    camera_normals,
    camera_uniforms,
    philox4x32,
    scalar_normals,
)
from optical_device.profile import load_profile

Floats = NDArray[np.float64]

SEED, N, FRAMES = 11, 64, 128


@cache
def golden() -> Floats:
    """Normals (frames, exposures, steps, N, N) of the golden model."""
    return np.stack([camera_normals(SEED, frame, N, 2, 4) for frame in range(16)])


@cache
def dark() -> NDArray[np.uint16]:
    """Dark counts (FRAMES, 4, N, N) of the device, of 1 us: read noise alone, 0.02 e- of dark."""
    codes = np.zeros((FRAMES, 2, 2, N, N), np.uint16)
    with open_device("emulator:lab", seed=SEED, threads=1) as device:
        return np.asarray(device.expose(codes, exposure_us=1.0, laser="off"))


@cache
def level_and_width() -> tuple[float, float]:
    """Black level with the mean dark signal, and read noise: the truth of `dark` [DN]."""
    f = fabricate(load_profile("lab"), SEED)
    mean_e = f.dark_e_per_s_map.mean() * 1e-6
    level = f.black_level_dn + mean_e / f.gain_e_per_dn
    return level, float(np.sqrt(f.read_noise_e**2 + mean_e)) / f.gain_e_per_dn


def distance(sample: Floats, cdf: Callable[[Floats], Floats]) -> float:
    """Kolmogorov's sqrt(n) D."""
    return float(stats.kstest(sample, cdf).statistic * np.sqrt(sample.size))


@pytest.mark.parametrize("step", range(4))
def test_normals_are_normal(step: int, kolmogorov: float) -> None:
    # Radii lie on a grid of 2^-23 in probability: a 1e-7 of the distance that could be seen.
    assert distance(golden()[:, :, step].ravel(), stats.norm.cdf) < kolmogorov


@pytest.mark.parametrize("pair", [0, 2])
def test_pairs_of_normals_are_round(pair: int, kolmogorov: float) -> None:
    z = golden()[:, :, pair] + 1j * golden()[:, :, pair + 1]
    # Exponential radii, uniform angles, and the two independent: r^2 of half of the circle too.
    square, angle = np.abs(z.ravel()) ** 2 / 2, np.angle(z.ravel())
    assert distance(square, stats.expon.cdf) < kolmogorov
    assert distance(angle / (2 * np.pi) + 0.5, stats.uniform.cdf) < kolmogorov
    assert distance(square[angle > 0], stats.expon.cdf) < kolmogorov


def test_counts_of_the_device_are_a_rounded_normal() -> None:
    """Every count of half a million dark pixels, against the integral of a Gaussian over 1 DN."""
    level, width = level_and_width()
    seen = np.bincount(dark().ravel(), minlength=256)
    edges = (np.arange(seen.size + 1) - 0.5 - level) / width
    expected = np.diff(stats.norm.cdf(edges)) * dark().size
    common = expected > 25.0
    # Pixels differ in dark signal by 10 % of 0.02 e-; nothing of 4 DN.  Rare counts go together.
    seen = np.append(seen[common], seen[~common].sum())
    expected = np.append(expected[common], expected[~common].sum())
    chi_square = np.sum((seen - expected) ** 2 / expected)
    assert chi_square < stats.chi2.isf(1e-9, seen.size - 1)
    assert seen.size > 30


def test_tails_of_the_device_reach_as_far_as_a_normal_does(sigmas: float) -> None:
    level, width = level_and_width()
    z = np.abs(dark() - level) / width
    for far in (3.0, 4.0):
        # Counts are whole: the share beyond the first half-integer limit after `far`.
        high = (np.ceil(level + far * width) - 0.5 - level) / width
        low = (level - np.floor(level - far * width) - 0.5) / width
        share = stats.norm.sf(high) + stats.norm.sf(low)
        beyond = np.mean((dark() - level > high * width) | (level - dark() > low * width))
        # A share p of n independent draws scatters by sqrt(p (1 - p) / n).
        assert abs(beyond - share) < sigmas * np.sqrt(share * (1 - share) / z.size)
    # Largest of 2 million: 5.0 on average, and 5.77 is the end of the generator's range.
    assert 4.5 < z.max() < 6.0


def autocorrelation(z: Floats) -> Floats:
    """Over all circular lags of all axes, 1 at lag 0 for unit variance."""
    power = np.abs(np.fft.fftn(z)) ** 2
    return np.asarray(np.fft.ifftn(power).real / z.size)


def test_counts_are_uncorrelated_at_every_distance(sigmas_of_many: float) -> None:
    # Frames, steps, rows and columns at once.  Of M independent draws of unit variance every lag
    # but 0 has sigma 1 / sqrt(M), for a lag that is its own reverse sqrt(2) times that.
    level, width = level_and_width()
    for step in range(4):
        z = (dark()[:, step].astype(np.float64) - level) / np.hypot(width, 12**-0.5)
        lags = autocorrelation(z).ravel()
        # The mean of z^2 scatters by sqrt(2 / M).
        assert lags[0] == pytest.approx(1.0, abs=sigmas_of_many * np.sqrt(2.0 / z.size))
        assert np.abs(lags[1:]).max() < sigmas_of_many * np.sqrt(2.0 / z.size)


def test_squares_are_uncorrelated_at_every_distance(sigmas_of_many: float) -> None:
    # Width as well as value: what a generator with a short memory would show.
    z = golden()[:, 0, 0]
    lags = autocorrelation((z**2 - 1.0) / np.sqrt(2.0)).ravel()
    # Products of such squares have a kurtosis of 15^2; a sum of 65,536 of them has an excess of
    # 0.003, which widens the tail at 7.7 sigmas by a few per cent.
    assert np.abs(lags[1:]).max() < 1.3 * sigmas_of_many * np.sqrt(2.0 / z.size)


def test_every_frame_has_a_spectrum_without_lines(sigmas_of_many: float) -> None:
    # Of white noise the periodogram is exponential: P(power > x) = e^-x, 1e-14 at 32.2.
    z = golden()[:, :, 0].reshape(-1, N, N)
    power = np.abs(np.fft.fft2(z, norm="ortho")) ** 2
    power[:, [0, 0, N // 2, N // 2], [0, N // 2, 0, N // 2]] /= 2.0  # real there: chi-square of 1
    assert power.max() < 32.3
    assert distance(power[:, 1 : N // 2, :].ravel(), stats.expon.cdf) < np.sqrt(np.log(2e9) / 2)


def streams(seed: int, frames: int) -> Floats:
    """First normals of camera, laser, sensors and read noise by frame, (4, frames)."""
    return np.array(
        [
            [scalar_normals(seed, frame, stream, 1, 1)[0, 0] for frame in range(frames)]
            for stream in (Stream.CAMERA, Stream.LASER, Stream.SENSORS, Stream.READ)
        ]
    )


def test_streams_and_seeds_are_independent(sigmas_of_many: float, kolmogorov: float) -> None:
    frames = 1500
    # A neighbouring seed, one that differs in a high bit, and the first with its halves exchanged.
    seeds = (SEED, SEED + 1, SEED + 2**40, SEED << 32)
    rows = np.concatenate([streams(seed, frames) for seed in seeds])
    for row in rows:
        assert distance(row, stats.norm.cdf) < kolmogorov
    products = rows @ rows.T / frames
    off = products[~np.eye(len(rows), dtype=bool)]
    # Sums of 1500 products of normals have an excess kurtosis of 0.004: tails at 6 to 8 sigmas are
    # wider by a few per cent.
    assert np.abs(off).max() < 1.15 * sigmas_of_many / np.sqrt(frames)
    # Not shifted copies of each other either: two streams at every lag.
    for a in range(len(rows)):
        for b in range(a):
            cross = np.fft.ifft(np.fft.fft(rows[a]) * np.conj(np.fft.fft(rows[b]))).real / frames
            assert np.abs(cross).max() < 1.15 * sigmas_of_many / np.sqrt(frames)


def test_one_bit_of_counter_or_key_changes_half_of_all_bits(sigmas: float) -> None:
    """Avalanche of the seven rounds: any of 192 input bits, 512 blocks each."""
    rng = np.random.default_rng(9)
    blocks = rng.integers(0, 2**32, (4, 512), dtype=np.uint64)
    key = (0x243F6A88, 0x85A308D3)
    plain = np.stack(philox4x32(tuple(blocks), key))
    for bit in range(192):
        word, mask = divmod(bit, 32)
        changed, other = [*blocks], [*key]
        if word < 4:
            changed[word] = changed[word] ^ np.uint64(1 << mask)
        else:
            other[word - 4] ^= 1 << mask
        flipped = plain ^ np.stack(philox4x32(tuple(changed), (other[0], other[1])))
        share = np.unpackbits(flipped.view(np.uint8)).mean()
        # 65,536 fair bits: sigma 1 / 512.
        assert abs(share - 0.5) < sigmas * 0.5 / np.sqrt(512 * 128), bit


def test_intensity_noise_of_the_laser_on_the_camera(sigmas: float, kolmogorov: float) -> None:
    """Whole frames flicker by the profile's rin, as a normal, whatever the pixels' own noise."""
    frames, rin = 400, 0.01
    codes = np.zeros((frames, 2, 2, N, N), np.uint16)
    with open_device("emulator:lab", seed=SEED, threads=1, source__rin=rin) as device:
        counts = device.expose(codes, "only", 300.0)[:, 0].astype(np.float64)
        black = device.expose(codes[:8], "only", 300.0, laser="off").mean()
    frame = counts.mean((1, 2))
    relative = frame / (frame.mean() - black) - frame.mean() / (frame.mean() - black)
    # Pixels add 250 e- / sqrt(4096) of 40,000 e-, 1e-4; the power's drift over 0.7 s is 4e-4.
    # A standard deviation of n draws scatters by 1 / sqrt(2 n) of itself.
    assert np.std(relative) == pytest.approx(rin, rel=sigmas / np.sqrt(2 * frames))
    # The sample's mean is taken out, which makes the bound safer, not tighter.
    assert distance(relative / rin, stats.norm.cdf) < kolmogorov
    steps = relative[1:] @ relative[:-1] / np.sum(relative**2)
    assert abs(steps + 1 / frames) < sigmas / np.sqrt(frames)


@cache
def low_light() -> tuple[Floats, Floats]:
    """Shot uniforms and read normals (frames, exposures, steps, N, N) of a Poisson camera."""
    frames = range(16)
    uniforms = np.stack([camera_uniforms(SEED, frame, N, 2, 4) for frame in frames])
    normals = np.stack([camera_normals(SEED, f, N, 2, 4, Stream.READ) for f in frames])
    return uniforms, normals


@pytest.mark.parametrize("step", range(4))
def test_shot_uniforms_and_read_normals_are_distributed_as_they_say(
    step: int, kolmogorov: float, sigmas: float
) -> None:
    uniforms, normals = (x[:, :, step].ravel() for x in low_light())
    assert 0.0 < uniforms.min() < uniforms.max() < 1.0
    assert distance(uniforms, stats.uniform.cdf) < kolmogorov
    assert distance(normals, stats.norm.cdf) < kolmogorov
    # Moments of n normals: sigmas sqrt(1/n), sqrt(2/n), sqrt(15/n) and sqrt(96/n).
    for power, expected, square in ((1, 0.0, 1.0), (2, 1.0, 2.0), (3, 0.0, 15.0), (4, 3.0, 96.0)):
        bound = sigmas * np.sqrt(square / normals.size)
        assert abs(np.mean(normals**power) - expected) < bound


def test_read_noise_knows_nothing_of_shot_noise(sigmas_of_many: float) -> None:
    # Pixel by pixel and at every lag over pixels, within a step and from one to another.
    uniforms, normals = (x[:, 0] for x in low_light())
    scores = np.sqrt(12.0) * (uniforms - 0.5)
    for first, second in ((0, 0), (1, 1), (0, 3), (2, 1)):
        spectra = np.fft.fftn(scores[:, first]) * np.conj(np.fft.fftn(normals[:, second]))
        cross = np.fft.ifftn(spectra).real / normals[:, second].size
        assert np.abs(cross).max() < sigmas_of_many / np.sqrt(normals[:, second].size)


def test_read_noise_is_uncorrelated_at_every_distance(sigmas_of_many: float) -> None:
    _, normals = low_light()
    for step in range(4):
        lags = autocorrelation(normals[:, 0, step]).ravel()
        assert np.abs(lags[1:]).max() < sigmas_of_many * np.sqrt(2.0 / normals[:, 0, step].size)


PINNED = {
    Stream.LASER: (
        -1.4445695347810288,
        -0.780764083746372,
        -1.322641361203228,
        -0.26593489667280923,
    ),
    Stream.READ: (
        0.5934932084922131,
        0.837647825998461,
        -1.4659569155734276,
        1.115339410597474,
    ),
    Stream.SENSORS: (
        -1.6898394525829339,
        -1.332202850757369,
        -0.4828738494897691,
        0.9142094990277365,
    ),
}


@pytest.mark.parametrize("stream", PINNED)
def test_first_draws_of_the_other_streams_are_pinned(stream: Stream) -> None:
    # The camera's are in tests/optical_device/test_noise.py; a change is a new ABI.
    assert scalar_normals(7, 0, stream)[0].tolist() == pytest.approx(PINNED[stream], rel=1e-12)


def test_first_uniforms_of_shot_noise_are_pinned() -> None:
    # Exact: whole multiples of 2^-25 of the camera's own words.
    words = (15950011, 5015507, 12178349, 2020729)
    expected = [(word + 0.5) / 2**24 for word in words]
    assert camera_uniforms(7, 0, 1, 1, 4).ravel().tolist() == expected
