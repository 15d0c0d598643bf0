"""Layout 4f: the two planes of a lens apart, and the whole laboratory on two chips."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from comparison import compare

from driver import Calibration, Device, open_device
from driver.calibration import RoutineReport
from driver.calibration.model import fourier
from driver.calibration.two_chips import separate
from optical_device.fabrication import Fabrication, fabricate
from optical_device.profile import load_profile

SEED, SIZE = 5, 16


@dataclass
class TwoChips:
    device: Device
    calibration: Calibration
    truth: Fabrication
    reports: list[RoutineReport]
    uncalibrated_error: float


def random_phasors(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return np.exp(2j * np.pi * rng.random(shape))


def convolution_error(device: Device, **options: object) -> float:
    """Of random pictures by random 3 x 3 kernels, over the exact output."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((4, 1, 14, 14)).astype(np.float32)
    w = rng.standard_normal((4, 1, 3, 3)).astype(np.float32)
    exact = torch.nn.functional.conv2d(*(torch.from_numpy(a.astype(float)) for a in (x, w)))
    y = device.convolve2d(x, w, **options)
    return float(np.linalg.norm(y - exact.numpy()) / np.linalg.norm(exact.numpy()))


@pytest.fixture(scope="module")
def two_chips() -> Iterator[TwoChips]:
    reports: list[RoutineReport] = []
    with open_device("emulator:lab4f", seed=SEED, device__n=SIZE) as device:
        with pytest.warns(UserWarning, match="not calibrated"):
            before = convolution_error(device, pack=False)
        calibration = device.calibrate(on_report=reports.append)
        truth = fabricate(load_profile("lab4f", device__n=SIZE), SEED)
        yield TwoChips(device, calibration, truth, reports, before)


def test_two_unknown_planes_come_apart():
    """256 frames whose phases are known to 0.3 rad RMS, one in ten of the light being noise.

    A frame's projection on one pixel carries 1/N of the field and noise of about 1; over F frames
    and N^2 pixels a map's element is known to sqrt(1 / F) = 6 %.
    """
    rng = np.random.default_rng(1)
    n, frames = 16, 256
    q, a = random_phasors(rng, n, n), random_phasors(rng, n, n)
    psi = 2 * np.pi * rng.random((n, n, frames))
    known = psi + 0.3 * rng.standard_normal((n, n, 1))
    z = q[..., None] * fourier(a[..., None] * np.exp(1j * psi))
    z += 0.1 * (rng.standard_normal(z.shape) + 1j * rng.standard_normal(z.shape))
    ours_q, ours_a = separate(z.astype(np.complex64), known.astype(np.float32), rng)
    found = np.abs(np.vdot(q, ours_q)) / np.linalg.norm(q) / np.linalg.norm(ours_q)
    assert found > 1 - 0.5 * 3 * 0.06**2
    # A's own phases carry what the known ones were off by, per pixel.
    off = np.exp(1j * (psi - known)[..., 0])
    found = np.abs(np.vdot(a * off, ours_a)) / np.linalg.norm(a) / np.linalg.norm(ours_a)
    assert found > 1 - 0.5 * 3 * 0.06**2


def test_every_routine_passes(two_chips: TwoChips):
    assert [r.reason for r in two_chips.reports if r.verdict == "failed"] == []
    assert two_chips.calibration.figures["residual"] < 0.012


def test_hidden_parameters_of_both_chips_are_recovered(two_chips: TwoChips):
    """Frames leave 0.8 % of the field of a stage, of 512 frames and 25 parameters a pixel, so
    0.008 * sqrt(25 / 1024) = 0.13 % of the field, and as much for theta. Two devices had at
    most: kappa 0.11 %, theta0 3.1 mrad, rho 6.8e-4, links 1.2e-4.  Half as much more fails."""
    truth, found = two_chips.truth, two_chips.calibration
    kappa = np.pi / truth.p_pi_mw * truth.power_full_mw
    ours = found.kappa_rad_per_mw * found.power_full_mw
    for stage in (0, 1):
        assert np.std(ours[stage] / kappa[stage]) < 1.5 * 0.0011
        assert np.std(found.rho[stage] - (truth.b1 / truth.b0)[stage]) < 1.5 * 6.8e-4
        theta = found.theta0_rad[stage] - truth.static_phase_rad[stage, 0]
        assert np.std((found.links - truth.links)[stage]) < 1.5 * 1.2e-4
        assert np.std(np.angle(np.exp(1j * theta))) < 1.5 * 0.0031


@pytest.mark.parametrize(
    "name",
    [
        "heater: phase at full power", "heater: bend", "heater: arm ratio",
        "heater: phase without heat", "nearest links", "diagonal links", "partner link",
        "input map, modulus", "input map, phase", "middle map, modulus", "middle map, phase",
        "output map, modulus", "output map, phase",
    ],
)  # fmt: skip
def test_stated_sigmas_are_the_scatter(two_chips: TwoChips, name: str):
    """256 pixels or more know an RMS to 5 %: what else is off is the sigma's, within 1.5."""
    info = two_chips.device.info
    found = compare(two_chips.reports, two_chips.calibration, info, two_chips.truth)[name]
    assert 1 / 1.5 < np.sqrt(np.mean(found.pull**2)) < 1.5


def test_maps_are_recovered_but_for_a_factor(two_chips: TwoChips, perfect_calibration):
    found = two_chips.calibration
    true = perfect_calibration(two_chips.device, SEED, device__n=SIZE)
    for name, sigma in (("input_map", 0.0035), ("middle_map", 0.0035), ("output_map", 0.0008)):
        ours, wanted = getattr(found, name), getattr(true, name)
        factor = np.vdot(wanted, ours) / np.vdot(wanted, wanted)
        off = np.linalg.norm(ours / factor - wanted) / np.linalg.norm(wanted)
        assert off < sigma, name


def test_a_calibrated_device_convolves_as_a_perfectly_known_one(
    two_chips: TwoChips, perfect_calibration
):
    device = two_chips.device
    assert two_chips.uncalibrated_error > 0.5
    for pack in (False, True):
        device.load_calibration(two_chips.calibration)
        ours = convolution_error(device, pack=pack)
        device.load_calibration(perfect_calibration(device, SEED, device__n=SIZE))
        floor = convolution_error(device, pack=pack)
        assert ours < 1.15 * floor, pack
        assert ours < (0.05 if pack else 0.02)
    device.load_calibration(two_chips.calibration)


def test_a_4f_calibration_survives_the_disk(two_chips: TwoChips, tmp_path):
    two_chips.calibration.save(tmp_path / "two.h5")
    loaded = two_chips.device.load_calibration(tmp_path / "two.h5")
    assert np.array_equal(loaded.middle_map, two_chips.calibration.middle_map)
