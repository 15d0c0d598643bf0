"""Light of a frame: what source, launch attenuator and reference give each of its exposures.

`illumination` takes a fabrication of NumPy or torch arrays and gives arrays of that kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from array_api_compat import array_namespace, device
from numpy.typing import NDArray

from optical_device import source
from optical_device.drift import Drift, drift_of
from optical_device.fabrication import ArrayRecord, Fabrication
from optical_device.noise import Stream, scalar_normals
from optical_device.profile import Profile

__all__ = [
    "Illumination",
    "Laser",
    "Reference",
    "frame_duration_ns",
    "illumination",
    "step_count",
]

Array = Any
Reference = Literal["steps", "off", "only"]
Laser = Literal["on", "off"]


@dataclass(frozen=True)
class Illumination(ArrayRecord):
    """Light of one frame: everything of source and reference that its exposures need."""

    signal: Array
    """(E,) complex factor of the spectrum [sqrt(photons/us)]."""
    reference: Array
    """(E, steps) complex reference at the beam's centre, 0 where blocked [sqrt(photons/us)]."""
    intensity_factor: Array
    """(E, steps) 1 + rin n."""
    stray_rate: float
    """[photons/us]."""


def step_count(profile: Profile, reference: Reference) -> int:
    """Reference steps of an exposure."""
    return len(_steps(profile, reference))


def _steps(profile: Profile, reference: Reference) -> list[int]:
    """Indices of an exposure's steps; alone, the reference takes the first that isn't blocked."""
    angles = source.STEP_ANGLES_RAD[profile.device.detection]
    if reference == "steps":
        return list(range(len(angles)))
    if reference == "only":
        return [next(k for k, angle in enumerate(angles) if angle is not None)]
    return [0]


def _to_ns(time_us: float) -> int:
    return round(time_us * 1000.0)


def frame_duration_ns(
    profile: Profile, reference: Reference, exposures: int, exposure_us: float
) -> int:
    """Device time of one frame: write + settle + E steps (exposure + readout) [ns]."""
    t = profile.timing
    each = _to_ns(exposure_us) + _to_ns(t.readout_us)
    steps = step_count(profile, reference)
    return _to_ns(t.write_us) + _to_ns(t.settle_us) + exposures * steps * each


def illumination(
    fabrication: Fabrication,
    *,
    frame: int,
    start_ns: int,
    launch_steps: NDArray[Any],
    reference: Reference,
    exposure_us: float,
    laser: Laser = "on",
    laser_mw: float | None = None,
    reference_fraction: float | None = None,
) -> Illumination:
    """Light of one frame.

    Drifts are taken at the frame's start t_f, the reference phase with its slope:
    psi(t) = psi(t_f) + psi'(t_f) (t - t_f), at the middle of each step's exposure.

    Parameters
    ----------
    frame : index of the frame since opening
    start_ns : device time of its start [ns]
    launch_steps : (E,) steps of the launch attenuator, one per exposure
    """
    profile, timing = fabrication.profile, fabrication.profile.timing
    xp = array_namespace(fabrication.drift_phase_rad)
    on = {"dtype": fabrication.drift_phase_rad.dtype, "device": device(fabrication.drift_phase_rad)}
    taken = _steps(profile, reference)
    exposures, steps = len(launch_steps), len(taken)
    value, slope = drift_of(fabrication, start_ns)
    power = source.relative_power(
        profile.source.laser_mw if laser_mw is None else laser_mw,
        profile.source.laser_nominal_mw,
        value[Drift.LASER_POWER],
    )
    if laser == "off":
        power = 0.0 * power
    exposure_ns = _to_ns(exposure_us)
    first_ns = _to_ns(timing.write_us) + _to_ns(timing.settle_us) + exposure_ns // 2
    index = np.arange(exposures * steps).reshape(exposures, steps)
    after_s = (first_ns + index * (exposure_ns + _to_ns(timing.readout_us))) * 1e-9
    phase = value[Drift.REFERENCE_PHASE] + slope[Drift.REFERENCE_PHASE] * xp.asarray(after_s, **on)
    angles = source.STEP_ANGLES_RAD[profile.device.detection]
    opened = [float(reference != "off" and angles[k] is not None) for k in taken]
    beam = source.reference_amplitudes(
        fabrication.step_phase_rad[taken],
        phase,
        fabrication.reference_rate_photons_per_us,
        power,
        profile.reference.fraction if reference_fraction is None else reference_fraction,
    )
    gain = fabrication.launch_gain[launch_steps]
    signal = source.signal_amplitude(gain, fabrication.signal_rate_photons_per_us, power)
    noise = scalar_normals(fabrication.seed, frame, Stream.LASER, exposures, steps)
    return Illumination(
        signal=0.0 * signal if reference == "only" else signal,
        reference=beam * xp.asarray(opened, **on),
        intensity_factor=1.0 + profile.source.rin * xp.asarray(noise, **on),
        stray_rate=fabrication.stray_rate_photons_per_us * power,
    )
