"""The peer: slmsuite's simulated modulator and camera on the same grid (optional extra `peers`)."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable

import numpy as np

__all__ = ["NOTE", "slmsuite_frame"]

NOTE = (
    "slmsuite simulates a phase-only modulator and one exposure: lens by FFT, gain, Gaussian dark "
    "and read noise, 12 bits.  It leaves out amplitudes and a second stage, heaters with their "
    "crosstalk and settling, drift, the reference's steps, shot noise, PRNU, DSNU and full well."
)


def slmsuite_frame(n: int) -> Callable[[], object] | None:
    """One frame, a phase set and a picture taken; None where slmsuite isn't installed."""
    chatter = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(chatter):
        warnings.simplefilter("ignore")
        try:
            from slmsuite.hardware.cameras.simulated import SimulatedCamera
            from slmsuite.hardware.slms.simulated import SimulatedSLM
        except ImportError:
            return None
        slm = SimulatedSLM((n, n))
        rng = np.random.default_rng(0)
        noise = {
            "dark": lambda full: rng.normal(1e-2 * full, 1e-3 * full),
            "read": lambda full: rng.normal(0.0, 1e-3 * full),
        }
        camera = SimulatedCamera(slm, bitdepth=12, noise=noise)
    phases = rng.uniform(0.0, 2.0 * np.pi, (8, n, n))
    turn = iter(range(1 << 60))

    def frame() -> object:
        slm.set_phase(phases[next(turn) % len(phases)], settle=False)
        return camera.get_image()

    return frame
