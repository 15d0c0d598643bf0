"""A picture of the optics of a specimen: wavefront, point spread, and what varies over the grid."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from optical_device import lens
from optical_device.fabrication import Fabrication
from opticonv.device.drawing import decibels, draw_plane, grid_figure
from opticonv.device.effects import present_effects, without
from opticonv.device.specimen import Specimen

__all__ = ["draw_optics", "point_spread", "strehl_ratio"]

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


def draw_optics(specimen: Specimen, fabrication: Fabrication) -> Figure:
    """Wavefront, point spreads, splitting tree, envelope, reference beam, camera."""
    n = fabrication.profile.device.n
    wavefront = _input_phase(specimen, fabrication, "aberration") / (2.0 * np.pi)
    flat = point_spread(np.ones((n, n), np.complex128))
    moved = point_spread(_input_map(specimen, fabrication, "aberration", "misalignment"))
    tree = np.abs(_input_map(specimen, fabrication, "splitting tree"))
    tree_rad = _input_phase(specimen, fabrication, "splitting tree")
    strehl = strehl_ratio(wavefront)
    rms = float(wavefront.std())
    reach, turned = (float(np.abs(plane).max()) or 1.0 for plane in (wavefront, tree_rad))
    figure, axes = grid_figure(f"Optics of {fabrication.serial}, as fabricated", (2, 4), (3.7, 3.2))
    planes = (
        (wavefront, f"wavefront error, {rms:.3f} waves RMS", "waves", "RdBu", (-reach, reach)),
        (decibels(moved, 1.0), f"point spread, aberrated, shifted: Strehl {strehl:.3f}\n"
         f"(Maréchal {np.exp(-((2 * np.pi * rms) ** 2)):.3f})", "dB of ideal peak", "inferno",
         (FLOOR_DB, 0.0)),
        (tree, "splitting tree, amplitude", "relative", "viridis", None),
        (tree_rad, "splitting tree, phase", "rad", "RdBu", (-turned, turned)),
        (decibels(flat, 1.0), "point spread, ideal", "dB of its peak", "inferno", (FLOOR_DB, 0.0)),
        (np.abs(fabrication.output_map), "element envelope", "relative", "viridis", None),
        (fabrication.reference_map, "reference beam", "relative", "viridis", None),
        (fabrication.qe_map, "quantum efficiency with PRNU", "e⁻/photon", "viridis", None),
    )  # fmt: skip
    for axis, (plane, title, unit, cmap, limits) in zip(axes.flat, planes, strict=True):
        low, high = limits or (float(plane.min()), float(plane.max()))
        # A plane that does not vary is shown from zero.
        norm = Normalize(low, high) if high > low else Normalize(0.0, high or 1.0)
        image = draw_plane(axis, plane, title, cmap, norm, labels=("row [px]", "column [px]"))
        if title.startswith("point spread"):
            _label_spread(axis, image)
        bar = figure.colorbar(image, ax=axis, shrink=0.85, pad=0.02)
        bar.set_label(unit, fontsize=8)
        bar.ax.tick_params(labelsize=7)
    return figure


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
