"""Drift: a pilot field, and how well phase and gain are tracked by it.

The pilot is exposed again and again: how its phase and amplitude scatter about a straight line is
what one pilot is known to, and the line is the drift.  Between pilots, interleaved with work every
`PILOT_PERIOD` frames, phase and gain are interpolated.
"""

from __future__ import annotations

import numpy as np

from driver.calibration.bench import Bench
from driver.calibration.calibration import RealArray
from driver.calibration.pilot import make_pilot
from driver.calibration.planes import regress
from driver.calibration.reference import remove_leak
from driver.calibration.report import Check, Findings, Line, Panel, Picture, Value, judged
from driver.tracking import PACK_PHASE_SIGMA_RAD, PILOT_PERIOD

__all__ = ["run"]

PILOTS = 24


def run(bench: Bench) -> Findings:
    """Choose a pilot and follow it; sets `pilot`."""
    bench.pilot = make_pilot(bench)
    bench.progress(0.5)
    time_s, gain = _follow(bench)
    phase = np.unwrap(np.angle(gain))
    amplitude = np.abs(gain)
    rate, rate_sigma, noise = _line(time_s, phase)
    swing, swing_sigma, amplitude_noise = _line(time_s, amplitude)
    period_s = (PILOT_PERIOD + 1) * bench.info.timing.frame_us() * 1e-6
    # Half way between two pilots: the mean of two, and nothing is known of the bend between them.
    tracked = noise / np.sqrt(2)
    checks = [
        Check(
            "phase between pilots known to", 1e3 * tracked, 1e3 * PACK_PHASE_SIGMA_RAD, 50, "mrad"
        ),
        Check("drift from pilot to pilot", 1e3 * abs(rate) * period_s, 50, 1000, "mrad"),
        Check("pilot's amplitude off by", 100 * abs(float(np.mean(amplitude)) - 1), 3, 10, "%"),
    ]
    verdict, reason = judged(checks)
    return Findings(
        values=(
            Value("drift rate", "rad/s", rate, rate_sigma),
            Value("gain rate", "1/s", swing, swing_sigma),
            Value("phase of one pilot", "rad", float(np.mean(phase)), noise),
            Value("amplitude of one pilot", "", float(np.mean(amplitude)), amplitude_noise),
        ),
        plots=(
            Panel(
                "Pilot's phase",
                "device time [s]",
                "phase [mrad]",
                (
                    Line("pilots", time_s, 1e3 * phase, np.full(PILOTS, 1e3 * noise), points=True),
                    Line("drift", time_s, 1e3 * (phase.mean() + rate * (time_s - time_s.mean()))),
                ),
            ),
            Panel(
                "Pilot's amplitude",
                "device time [s]",
                "off its calibration [%]",
                (Line("pilots", time_s, 100 * (amplitude - 1), points=True),),
            ),
            Picture("Pilot's spectrum", np.abs(bench.pilot.spectrum), "DN at launch gain 1"),
        ),
        verdict=verdict,
        reason=reason,
    )


def _follow(bench: Bench) -> tuple[RealArray, RealArray]:
    """Device times [s] and complex gains of a run of pilots."""
    pilot = bench.pilot
    begin = float(bench.device.telemetry().device_time_s)
    codes = np.broadcast_to(pilot.codes, (PILOTS, *pilot.codes.shape)).copy()
    counts = bench.device.expose(codes, reference="steps", launch_step=pilot.launch_step)
    end = float(bench.device.telemetry().device_time_s)
    spectrum, trusted = bench.spectrum(counts)
    clean = remove_leak(spectrum, bench.chip.leak)
    expected = pilot.spectrum * bench.launch_gain[pilot.launch_step]
    gain = [regress(y[see], expected[see]) for y, see in zip(clean, trusted, strict=True)]
    return begin + (end - begin) * (np.arange(PILOTS) + 0.5) / PILOTS, np.array(gain)


def _line(x: RealArray, y: RealArray) -> tuple[float, float, float]:
    """Slope of a straight line, its sigma, and the scatter about it."""
    off = x - x.mean()
    slope = float(off @ y / (off @ off))
    scatter = float(np.sqrt(np.sum((y - y.mean() - slope * off) ** 2) / (len(x) - 2)))
    return slope, scatter / float(np.sqrt(off @ off)), scatter
