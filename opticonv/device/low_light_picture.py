"""A picture of the camera in dim light: an even beam of 1 to 1000 electrons, and its statistics."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import stats

from optical_device.camera import shot_noise_is_poisson
from optical_device.fabrication import Fabrication
from optical_device.golden import expose_frames
from opticonv.device.drawing import draw_plane, grid_figure

__all__ = ["draw_low_light", "electrons_seen"]

MEANS_E = (1.0, 10.0, 100.0, 1000.0)
MAX_FRAMES = 16
PIXELS = 32_768
"""Of a histogram, as many as `MAX_FRAMES` allow."""

Floats = NDArray[np.float64]


def electrons_seen(fabrication: Fabrication, mean_e: float, frames: int) -> Floats:
    """Electrons that counts tell, (frames, N, N): the reference alone at a mean of `mean_e`."""
    profile = fabrication.profile
    n, bits = profile.device.n, profile.device.dac_bits
    codes = np.zeros((frames, 2, 2, n, n), np.uint16 if bits else np.float32)
    full_e = fabrication.reference_rate_photons_per_us * profile.timing.exposure_us
    full_e *= float(np.mean(fabrication.qe_map * fabrication.reference_map**2))
    share = mean_e / full_e
    counts = expose_frames(
        fabrication, codes, reference="only",
        reference_fraction=min(share, 1.0), laser_mw=profile.source.laser_nominal_mw,
    )  # fmt: skip
    return np.asarray(
        (counts[:, 0].astype(np.float64) - fabrication.black_level_dn) * fabrication.gain_e_per_dn
    )


def draw_low_light(fabrication: Fabrication) -> Figure:
    """Frames and histograms by mean signal."""
    profile, camera = fabrication.profile, fabrication.profile.camera
    n = profile.device.n
    frames = min(MAX_FRAMES, -(-PIXELS // n**2))
    poisson = shot_noise_is_poisson(
        camera.shot_noise, profile.device.adc_bits, camera.gain_e_per_dn
    )
    law = (
        "Poisson's counts" if poisson
        else "Gaussian shot noise, whose error is below a step of the converter"
    )  # fmt: skip
    figure, axes = grid_figure(
        f"Dim light on the camera of {fabrication.serial}: the reference alone, "
        f"{profile.timing.exposure_us:g} µs\nread noise {fabrication.read_noise_e:.3g} e⁻, "
        f"a step of the converter {fabrication.gain_e_per_dn:.3g} e⁻; {law}",
        (2, len(MEANS_E)),
        (3.4, 3.0),
    )
    exposure_us = profile.timing.exposure_us
    beam = fabrication.qe_map * fabrication.reference_map**2
    others_e = exposure_us * (
        fabrication.stray_rate_photons_per_us * fabrication.qe_map
        + 1e-6 * fabrication.dark_e_per_s_map
    )
    for index, mean_e in enumerate(MEANS_E):
        seen = electrons_seen(fabrication, mean_e, frames)
        pixels_e = others_e + mean_e * beam / beam.mean()
        total_e = float(pixels_e.mean())
        noise_e = float(np.sqrt(total_e + fabrication.read_noise_e**2))
        low, high = total_e - 4.0 * noise_e, total_e + 4.0 * noise_e
        norm = Normalize(low, high)
        title = f"{mean_e:g} e⁻ of light, signal to noise {mean_e / noise_e:.2g}"
        image = draw_plane(
            axes[0, index], seen[0], title, "viridis", norm,
            labels=("row [px]" if index == 0 else "", "column [px]"),
        )  # fmt: skip
        bar = figure.colorbar(image, ax=axes[0, index], shrink=0.85, pad=0.02)
        bar.set_label("e⁻, black level off", fontsize=8)
        bar.ax.tick_params(labelsize=7)
        _draw_histogram(axes[1, index], fabrication, seen.ravel(), pixels_e, (low, high))
    axes[1, 0].set_ylabel("share of pixels per step", fontsize=8)
    axes[1, 0].legend(fontsize=7, loc="upper right")
    return figure


def _draw_histogram(
    axis: Axes, fabrication: Fabrication, seen: Floats, pixels_e: Floats, span: tuple[float, float]
) -> None:
    """Shares of counts, and those of Poisson's electrons with read noise, step by step.

    `pixels_e` are the pixels' means: the beam is not quite even.
    """
    bits = fabrication.profile.device.adc_bits
    step = fabrication.gain_e_per_dn if bits else max((span[1] - span[0]) / 60.0, 1.0)
    offset = -np.mod(fabrication.black_level_dn, 1.0) * step if bits else 0.0
    first = np.floor((span[0] - offset) / step)
    edges = offset + step * (np.arange(first, first + (span[1] - span[0]) / step + 2) - 0.5)
    shares = np.histogram(seen, edges)[0] / seen.size
    centres = (edges[1:] + edges[:-1]) / 2.0
    axis.bar(centres, shares, width=0.9 * step, color="C0", alpha=0.6, label="exposed")
    # Sixteen means stand for all pixels'.
    means = np.quantile(pixels_e, (np.arange(16) + 0.5) / 16)[:, None]
    electrons = np.arange(
        stats.poisson.ppf(1e-9, means.min()), stats.poisson.isf(1e-9, means.max()) + 1
    )
    weights = stats.poisson.pmf(electrons, means).mean(0)
    width = max(fabrication.read_noise_e, 1e-6)
    below = stats.norm.cdf((edges[:, None] - electrons) / width) @ weights
    axis.plot(centres, np.diff(below), "C3.-", markersize=3, linewidth=0.8,
              label="Poisson with read noise")  # fmt: skip
    axis.set_xlim(*span)
    axis.set_ylim(0.0, 1.35 * axis.get_ylim()[1])
    axis.set_xlabel("electrons by the counts [e⁻]", fontsize=8)
    axis.set_title(f"mean {seen.mean():.4g} e⁻, spread {seen.std():.3g} e⁻", fontsize=9)
    axis.grid(alpha=0.3)
    axis.tick_params(labelsize=7)
