"""What counts of the C kernels and of the golden model must have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FIELD_ERROR = 1e-6
"""Error of a float32 spectrum, RMS, relative to its own RMS.

Three phases of 1 to 2 turns, each with four roundings of 2^-23/sqrt(12) turns, make 7.5e-7 rad;
sines, cosines and the transform make the rest.
"""

TURNED: dict[str, Any] = {"lens__camera_rotation_mrad": 1.9, "lens__magnification_error": 0.004}
"""A camera that is rotated and magnified: the shear's series needs 5 to 12 terms."""


def assert_counts_agree(
    counts: NDArray[Any], golden: NDArray[Any], gain_e_per_dn: float = np.inf
) -> None:
    """Equal but for ties.

    A count is off by one where the exact value lies within C's error of a rounding boundary: a
    fraction 2 E|error|.  With e the spectrum's relative error, |S + R|^2 errs by 2 e |S| |S + R|,
    2 e of the count but where S and R cancel: a fraction 4 e times the mean count.  Ties are
    counted, and where few are expected two more are nothing unusual.

    In Poisson mode the electrons are rounded, too.  A tie there is as likely per electron as above
    per count, and moves the count by 1/gain of a step, which shows with that probability: no more
    ties, but beyond one step where the gain is below 1 e-/DN.

    Parameters
    ----------
    gain_e_per_dn : float
        Of a Poisson camera with unquantised counts: a tie between electrons moves those by 1/gain.
    """
    assert counts.shape == golden.shape
    assert counts.dtype == golden.dtype
    off = np.abs(counts.astype(np.float64) - golden.astype(np.float64))
    ties = 4 * FIELD_ERROR * float(np.mean(golden)) + 2 / counts.size
    if counts.dtype == np.uint16:
        assert np.max(off) <= 1
        assert np.mean(off > 0) <= ties
    else:  # 2 e_S of the brightest, with e_S the field's largest error of about 1e-5
        near = off <= 2e-5 * np.max(golden)
        step = 1.0 / gain_e_per_dn
        assert np.mean(~near) <= (ties / step if step else 0.0)
        assert np.all(near | (np.abs(off - step) <= 2e-5 * np.max(golden)))
