"""Input and output maps: complex transmission of either plane, their gauge, and how well known.

Both come out of the heaters' fit (`driver.calibration.planes`); here the scale between them is
fixed, which the light cannot tell.
"""

from __future__ import annotations

import numpy as np

from driver.calibration.bench import Bench
from driver.calibration.nominal import nominal_launch_gain
from driver.calibration.planes import fix_gauge, nominal_output_map
from driver.calibration.report import Check, Findings, Histogram, Picture, Value, judged

__all__ = ["run"]


def run(bench: Bench) -> Findings:
    """Fix the gauge of the maps, and report them."""
    chip, info, refinement = bench.chip, bench.info, bench.refinement
    mean_gain = np.mean(refinement.maps.gain)
    chip.output_map = chip.output_map * np.complex64(mean_gain)
    before = float(np.mean(np.abs(chip.output_map)))
    refinement.maps.gain = refinement.maps.gain / np.complex64(mean_gain)
    amplitude = float(np.abs(nominal_launch_gain(info, 0))[bench.launch_step])
    fix_gauge(chip, info, amplitude)
    factor = float(np.mean(np.abs(chip.output_map))) / before
    output_sigma = refinement.maps.output_sigma * abs(mean_gain) * factor
    output = chip.output_map.astype(np.complex128)
    source = chip.input_map.astype(np.complex128)
    relative = np.where(bench.camera_dead, 0.0, output_sigma / np.abs(output))
    shape = output / nominal_output_map(info)
    checks = [
        Check("input map known to", 100 * float(np.median(refinement.scale_sigma)), 1, 5, "%"),
        Check("output map known to", 100 * float(np.median(relative)), 0.5, 5, "%"),
    ]
    verdict, reason = judged(checks)
    modulus = np.abs(source)
    # Of so many real parts, the RMS is known to 1 / sqrt(2 number).
    unsure = refinement.residual / np.sqrt(4 * max(int(np.sum(bench.main.trusted)), 1))
    values, plots = _between(bench)
    return Findings(
        values=(
            *values,
            Value("input map, modulus", "", modulus, modulus * refinement.scale_sigma[0]),
            Value("input map, phase", "rad", np.angle(source), refinement.scale_sigma[1]),
            Value("output map, modulus", "DN", np.abs(output), output_sigma),
            Value("output map, phase", "rad", np.angle(shape), relative),
            Value("residual of the light", "relative", refinement.residual, unsure),
        ),
        plots=(
            *plots,
            Picture("Input map, modulus", modulus, ""),
            Picture("Input map, phase", np.angle(source), "rad", cyclic=True),
            Picture("Output map, modulus", np.abs(output), "DN"),
            Picture("Output map, phase off the data sheet", np.angle(shape), "rad"),
            Histogram(
                "Uncertainty of a pixel",
                "sigma [%]",
                (("input map", 100 * refinement.scale_sigma[0]), ("output map", 100 * relative)),
            ),
        ),
        verdict=verdict,
        reason=reason,
    )


def _between(bench: Bench) -> tuple[tuple[Value, ...], tuple[Picture, ...]]:
    """The middle map of layout 4f: values and plots."""
    chip, fit = bench.chip, bench.last_refinement
    if chip.middle_map is None or fit is None:
        return (), ()
    middle = chip.middle_map.astype(np.complex128)
    # The light behind the plane is a regression on as many frames as stage b's own.
    modulus, sigma = np.abs(middle), fit.scale_sigma
    return (
        Value("middle map, modulus", "", modulus, modulus * sigma[0]),
        Value("middle map, phase", "rad", np.angle(middle), sigma[1]),
    ), (
        Picture("Middle map, modulus", modulus, ""),
        Picture("Middle map, phase", np.angle(middle), "rad", cyclic=True),
    )
