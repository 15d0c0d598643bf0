"""The whole laboratory: parameters against the truth, and what it is for, convolutions."""

from __future__ import annotations

import dataclasses
import multiprocessing
from multiprocessing.connection import Connection
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import reference_codec
from comparison import compare
from convolution_error import convolution_error

from driver import open_device
from driver.calibration import run_laboratory
from driver.calibration.laboratory import required
from driver.errors import CapabilityError
from optical_device.fabrication import Fabrication, fabricate
from optical_device.golden import GoldenDevice
from optical_device.profile import load_profile


def device_error(device, calibration, size, **options) -> float:
    codec = reference_codec.Codec(device, calibration)
    second = options.pop("second", {})
    return convolution_error(
        codec.transform, lambda x: codec.transform(x, inverse=True, **second), size, **options
    )


def test_hidden_parameters_are_recovered(specimen):
    """Main frames leave 0.8 % of the field as noise; 512 of them, 48 parameters of a pixel, so
    0.008 * sqrt(48 / 1024) = 0.17 % of the field.  A dozen devices had at most: kappa 0.083 %,
    theta0 3.0 mrad (and 3 mrad in common: the frame before's heat), rho 6.8e-4, links 1.1e-4,
    partner 1.5e-4.  Half as much again is failure."""
    truth, found = specimen.truth, specimen.calibration
    kappa = np.pi / truth.p_pi_mw * truth.power_full_mw  # what is identifiable of the two
    ours = found.kappa_rad_per_mw * found.power_full_mw
    assert np.std(ours / kappa) < 1.5 * 0.00083
    assert (
        np.std(np.angle(np.exp(1j * (found.theta0_rad - truth.static_phase_rad[:, 0]))))
        < 1.5 * 0.003
    )
    assert np.std(found.rho - truth.b1 / truth.b0) < 1.5 * 6.8e-4
    assert np.std(found.links - truth.links) < 1.5 * 1.1e-4
    assert np.std(found.partner - truth.partner) < 1.5 * 1.6e-4


def test_calibrated_is_within_fifteen_percent_of_perfect_knowledge(
    specimen, perfect_calibration_of
):
    device = specimen.device
    perfect = perfect_calibration_of(specimen)
    for options in ({}, {"packed": True}, {"second": {"residual": True}}):
        ours = device_error(device, specimen.calibration, 32, **options)
        floor = device_error(device, perfect, 32, **options)
        assert ours < 1.15 * floor, options
        # 1.7 to 1.9 % for 64 x 64 in the prototype; smaller tiles are easier.
        assert ours < 0.019, options


def test_progress_runs_from_zero_to_one(specimen):
    shares = [share for _, share in specimen.progress]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)
    assert "Heater curves" in {name for name, _ in specimen.progress}


def test_figures_say_what_it_cost(specimen):
    figures = specimen.calibration.figures
    assert 800 < figures["frames"] < 1200
    assert 2.0 < figures["device_time_s"] < 5.0
    assert figures["residual"] < 0.02


def test_other_layouts_are_refused(specimen):
    info = dataclasses.replace(specimen.device.info, detection="intensity")
    with pytest.raises(CapabilityError, match="intensity"):
        run_laboratory(SimpleNamespace(info=info))


def golden_server(pipe: Connection, seed: int, size: int) -> None:
    """The golden model in a process of its own: only codes and counts go through the pipe."""
    device = GoldenDevice(load_profile("lab", device__n=size), seed)
    while (request := pipe.recv()) is not None:
        if request == "telemetry":
            pipe.send((device.device_time_ns * 1e-9, device.frames))
        else:
            codes, options = request
            pipe.send(np.asarray(device.expose(codes, **options)))


def fabricated(seed: int, size: int) -> Fabrication:
    return fabricate(load_profile("lab", device__n=size), seed)


class RemoteDevice:
    """The boundary of a device at the other end of a pipe."""

    def __init__(self, pipe: Connection, info: Any) -> None:
        self.pipe = pipe
        self.info = info

    def expose(self, codes, reference="steps", exposure_us=None, *, laser="on", launch_step=None):
        options = {"reference": reference, "exposure_us": exposure_us, "laser": laser}
        if launch_step is not None:
            shape = (len(codes), -1)
            options["launch_step"] = np.broadcast_to(
                np.asarray(launch_step, np.uint8).reshape(-1, 1)
                if np.ndim(launch_step) < 2
                else launch_step,
                (len(codes), 1) if np.ndim(launch_step) < 2 else launch_step.shape,
            ).reshape(shape)
        self.pipe.send((codes, options))
        counts = self.pipe.recv()
        flat = launch_step is None or np.ndim(launch_step) < 2
        return counts.reshape(len(codes), *counts.shape[-3:]) if flat else counts

    def telemetry(self):
        self.pipe.send("telemetry")
        time_s, frames = self.pipe.recv()
        return SimpleNamespace(device_time_s=time_s, frames=frames)


@pytest.mark.slow
def test_a_device_in_another_process_is_calibrated(specimen):
    """Nothing but the boundary: the golden model, in a process that shares no memory with us."""
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(
        target=golden_server, args=(theirs, 5, 32)
    )
    server.start()
    try:
        remote = RemoteDevice(ours, specimen.device.info)
        laboratory = run_laboratory(remote)
        calibration = required(laboratory)
        assert all(report.verdict == "pass" for report in laboratory.reports)
        found = compare(laboratory.reports, calibration, remote.info, fabricated(5, 32))
        for name, compared in found.items():
            # Sigmas within 1.5 of the scatter; single numbers within five of them.
            ratio = np.sqrt(np.mean(compared.pull**2))
            assert ratio < (1.5 if compared.pull.size > 100 else 5), name
        assert calibration.figures["residual"] < 0.02
        assert device_error(remote, calibration, 32, tiles=4, kernels=2) < 0.019
    finally:
        ours.send(None)
        server.join(30)
        server.terminate()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_full_size(seed, calibrate_specimen):
    """64 x 64, the floors of the prototype: single 4 %, two-gain 1.9 %, residual 1.26 %."""
    made = calibrate_specimen(seed)
    try:
        single = device_error(made.device, made.calibration, 64, second={"two_gain": False})
        assert single < 0.04
        assert device_error(made.device, made.calibration, 64) < 0.019
        assert device_error(made.device, made.calibration, 64, second={"residual": True}) < 0.0126
    finally:
        made.device.close()


def test_three_steps_are_calibrated_too(calibrate_specimen, perfect_calibration):
    """Two of three readouts see the reference: more noise in Y, and the same laboratory."""
    options = {"device__n": 32, "device__detection": "three_step"}
    made = calibrate_specimen(4, **options)
    try:
        assert all(report.verdict == "pass" for report in made.reports)
        found = compare(made.reports, made.calibration, made.device.info, made.truth)
        for name, compared in found.items():
            ratio = np.sqrt(np.mean(compared.pull**2))
            assert ratio < (1.5 if compared.pull.size > 100 else 5), name
        x = np.random.default_rng(0).standard_normal((8, 32, 32)).astype(np.complex64)
        exact = np.fft.fft2(x, norm="ortho")
        ours = np.linalg.norm(made.device.transform(x) - exact)
        made.device.load_calibration(perfect_calibration(made.device, 4, **options))
        assert ours < 1.15 * np.linalg.norm(made.device.transform(x) - exact)
    finally:
        made.device.close()


@pytest.mark.parametrize("profile", ["ideal", "mft11", "nextgen"])
def test_every_profile_of_the_layout_is_calibrated(profile):
    """Nothing fails on any of them; of the ideal one nothing is uncertain, and light is exact."""
    with open_device(f"emulator:{profile}", seed=3, device__n=11) as device:
        laboratory = run_laboratory(device)
        assert {report.verdict for report in laboratory.reports} <= {"pass", "degraded"}
        device.load_calibration(required(laboratory))
        x = np.random.default_rng(0).standard_normal((4, 11, 11)).astype(np.complex64)
        exact = np.fft.fft2(x, norm="ortho")
        error = np.linalg.norm(device.transform(x) - exact) / np.linalg.norm(exact)
        # Two gains of a 12-bit camera leave 2 % of small random frames; float32 fits 1e-4.
        assert error < (1e-3 if profile == "ideal" else 0.04)
