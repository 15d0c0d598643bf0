"""A picture of the optics of a specimen: wavefront, point spread, and what varies over the grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from optical_device import lens
from optical_device.fabrication import Fabrication
from opticonv.device.drawing import decibels, draw_plane, grid_figure
from opticonv.device.effects import SECOND_CHIP, present_effects, without
from opticonv.device.specimen import Specimen

__all__ = ["draw_optics", "point_spread", "strehl_ratio"]

COLUMNS = 4
REACH_PX = 4
SAMPLES_PER_PX = 16
FLOOR_DB = -40.0

Floats = NDArray[np.float64]
Complexes = NDArray[np.complex128]


def point_spread(pupil: Complexes) -> Floats:
    """Intensity about the optical axis of the light of all emitters at once, 1 without error.

    |1/N^2 sum_{r, q} pupil e^{-2 pi i ((r-c) u + (q-c) v)/N}|^2 for u and v up to `REACH_PX`
    camera pixels, `SAMPLES_PER_PX` to a pixel.
    """
    n = pupil.shape[0]
    u = np.arange(-REACH_PX * SAMPLES_PER_PX, REACH_PX * SAMPLES_PER_PX + 1) / SAMPLES_PER_PX
    kernel = np.exp(-2j * np.pi / n * np.outer(u, np.arange(n) - n // 2)) / n
    return np.asarray(np.abs(kernel @ pupil @ kernel.T) ** 2)


def strehl_ratio(wavefront_waves: Floats) -> float:
    """Intensity on the axis over that of a flat wavefront, |mean exp(2 pi i W)|^2."""
    return float(np.abs(np.exp(2j * np.pi * wavefront_waves).mean()) ** 2)


@dataclass(frozen=True)
class _Panel:
    plane: Floats
    title: str
    unit: str
    cmap: str = "viridis"
    limits: tuple[float, float] | None = None
    is_spread: bool = False


def draw_optics(specimen: Specimen, fabrication: Fabrication) -> Figure:
    """Wavefront, point spreads, splitting tree, output plane, reference beam, camera, couplers.

    Of layout 4f also what lies between the chips.
    """
    panels = [*_input_panels(specimen, fabrication), *_output_panels(fabrication)]
    if fabrication.profile.device.layout == "4f":
        panels += _middle_panels(specimen, fabrication)
    rows = -(-len(panels) // COLUMNS)
    figure, axes = grid_figure(
        f"Optics of {fabrication.serial}, as fabricated\n{_alignment(fabrication)}",
        (rows, COLUMNS),
        (3.7, 3.2),
    )
    for axis, panel in zip(axes.flat, panels, strict=False):
        plane = panel.plane
        low, high = panel.limits or (float(plane.min()), float(plane.max()))
        # A plane that does not vary is shown from zero.
        norm = Normalize(low, high) if high > low else Normalize(0.0, high or 1.0)
        labels = ("row [px]", "column [px]")
        image = draw_plane(axis, plane, panel.title, panel.cmap, norm, labels=labels)
        if panel.is_spread:
            _label_spread(axis, image)
        bar = figure.colorbar(image, ax=axis, shrink=0.85, pad=0.02)
        bar.set_label(panel.unit, fontsize=8)
        bar.ax.tick_params(labelsize=7)
    for axis in axes.flat[len(panels) :]:
        axis.set_axis_off()
    return figure


def _alignment(fabrication: Fabrication) -> str:
    """Rotation and magnification of the camera in words."""
    n = fabrication.profile.device.n
    turned, larger = fabrication.rotation_rad, fabrication.magnification - 1.0
    if turned == 0.0 and larger == 0.0:
        return "camera straight and of the right scale"
    corner = np.hypot(turned, larger) * (n // 2) * np.sqrt(2.0)
    return (
        f"camera turned by {1e3 * turned:.3g} mrad, magnification {1.0 + larger:.5f}: "
        f"a corner pixel is {corner:.2g} px from its place"
    )


def _input_panels(specimen: Specimen, fabrication: Fabrication) -> list[_Panel]:
    n = fabrication.profile.device.n
    wavefront = _input_phase(specimen, fabrication, "aberration") / (2.0 * np.pi)
    flat = point_spread(np.ones((n, n), np.complex128))
    moved = point_spread(_input_map(specimen, fabrication, "aberration", "misalignment"))
    tree = np.abs(_input_map(specimen, fabrication, "splitting tree"))
    tree_rad = _input_phase(specimen, fabrication, "splitting tree")
    rms = float(wavefront.std())
    marechal = np.exp(-((2 * np.pi * rms) ** 2))
    floor = (FLOOR_DB, 0.0)
    return [
        _Panel(wavefront, f"wavefront error, {rms:.3f} waves RMS", "waves", "RdBu",
               _about_zero(wavefront)),
        _Panel(decibels(moved, 1.0), "point spread, aberrated, shifted: "
               f"Strehl {strehl_ratio(wavefront):.3f}\n(Maréchal {marechal:.3f})",
               "dB of ideal peak", "inferno", floor, is_spread=True),
        _Panel(tree, "splitting tree, amplitude", "relative"),
        _Panel(tree_rad, "splitting tree, phase", "rad", "RdBu", _about_zero(tree_rad)),
        _Panel(decibels(flat, 1.0), "point spread, ideal", "dB of its peak", "inferno", floor,
               is_spread=True),
    ]  # fmt: skip


def _output_panels(fabrication: Fabrication) -> list[_Panel]:
    n, optics = fabrication.profile.device.n, fabrication.profile.lens
    output = np.abs(fabrication.output_map) ** 2
    b0, b1 = fabrication.b0[0], fabrication.b1[0]
    extinction_db = 20.0 * np.log10((b0 + b1) / np.maximum(np.abs(b0 - b1), 1e-10))
    perfect = "" if np.any(b0 != b1) else ": without end"
    return [
        _Panel(output, f"element envelope and vignetting, power\n"
               f"vignetting nominally {100 * optics.vignetting:g} % in the corner", "relative"),
        _Panel(fabrication.reference_map, "reference beam, amplitude", "relative"),
        _Panel(fabrication.qe_map, "quantum efficiency with PRNU", "e⁻/photon"),
        _Panel(fabrication.dark_e_per_s_map / 1e3, "dark current with DSNU", "ke⁻/s"),
        _Panel(extinction_db, f"extinction of stage a{perfect}", "dB", "cividis"),
        _Panel((b0 + b1) ** 2, "transmission of stage a, open", "relative", "cividis"),
        _Panel(fabrication.static_phase_rad[0, 0].reshape(n, n), "static phase θ of stage a", "rad",
               "twilight", (0.0, 2.0 * np.pi)),
    ]  # fmt: skip


def _middle_panels(specimen: Specimen, fabrication: Fabrication) -> list[_Panel]:
    """Between the chips of layout 4f: emitters of the second chip, and the second lens."""
    centring = np.prod(lens.axis_maps(fabrication.profile.device.n), axis=0)
    effects = present_effects(fabrication.profile)

    def middle(*kept: str) -> Complexes:
        alone = specimen.fabricated(without(e for e in effects if e.name not in kept))
        return np.asarray(alone.middle_map / centring)

    gain, waves = middle(SECOND_CHIP), np.angle(middle("aberration")) / (2.0 * np.pi)
    phase = np.angle(gain)
    return [
        _Panel(np.abs(gain), "second chip, amplitude of its emitters", "relative"),
        _Panel(phase, "second chip, phase", "rad", "RdBu", _about_zero(phase)),
        _Panel(waves, f"second lens, {waves.std():.3f} waves RMS", "waves", "RdBu",
               _about_zero(waves)),
        _Panel(np.abs(middle("element envelope")), "envelope of the light on it, amplitude",
               "relative"),
    ]  # fmt: skip


def _about_zero(plane: Floats) -> tuple[float, float]:
    reach = float(np.abs(plane).max()) or 1.0
    return (-reach, reach)


def _label_spread(axis: Axes, image: AxesImage) -> None:
    """Axes of a point spread, in camera pixels about the optical axis."""
    edge = REACH_PX + 0.5 / SAMPLES_PER_PX
    image.set_extent((-edge, edge, edge, -edge))
    ticks = (-REACH_PX, 0, REACH_PX)
    axis.set_xticks(ticks)
    axis.set_yticks(ticks)
    axis.set_ylabel("camera row from axis [px]", fontsize=8)
    axis.set_xlabel("camera column from axis [px]", fontsize=8)


def _input_map(specimen: Specimen, fabrication: Fabrication, *kept: str) -> Complexes:
    """The input plane with these errors alone."""
    effects = present_effects(fabrication.profile)
    alone = specimen.fabricated(without(e for e in effects if e.name not in kept))
    centring, _ = lens.axis_maps(fabrication.profile.device.n)
    return np.asarray(alone.input_map * np.conj(centring))


def _input_phase(specimen: Specimen, fabrication: Fabrication, *kept: str) -> Floats:
    """Phase of the input plane with these errors alone [rad]."""
    return np.asarray(np.angle(_input_map(specimen, fabrication, *kept)))
