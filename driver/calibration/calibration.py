"""What calibration knows of one device: the frozen record that encode and decode invert."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from numpy.typing import NDArray

__all__ = ["Calibration", "ComplexArray", "RealArray"]

RealArray: TypeAlias = NDArray[Any]
"""Array of real floating-point numbers, single or double precision."""
ComplexArray: TypeAlias = NDArray[Any]
"""Array of complex numbers, single or double precision."""


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """The calibrated forward model of one device, and the camera figures decode weights with.

    With a heater's cold power ``P0 = power_full_mw u**2`` (u = code / code_max)::

        P    = 2 P0 / (1 + sqrt(1 + 4 beta P0))
        Q    = P + sum over links c P_neighbour + second ring + partner P_other
        psi  = kappa Q, and for theta + sum_pm substrate_pm C_p(r) C_m(q) M_pm
        m_s  = (1 + rho_s exp(i (theta0_s + psi_theta))) exp(i psi_phi)
        y    = launch_gain[l] G output_map F[input_map m_a m_b],  in layout 4f
        y    = launch_gain[l] G output_map F[middle_map m_b F[input_map m_a]]
        Y    = y + conjugate_leak conj(y),    Y = [(I0 - I2) + i (I1 - I3)] / 4   [DN]

    C_p(r) = cos(pi p (r + 1/2) / N) and M_pm the power of all heaters times C_p(r) C_m(q), summed;
    in 4f the heaters of one stage, since each is a chip of its own.
    F is the orthonormal 2-D DFT in plain index order and G the drift gain, 1 at calibration.
    Stages: 0 a, 1 b.  Heaters: 0 theta, 1 phi.  Links: 0 E, 1 S, 2 SE, 3 SW, used both ways,
    0 at the rim.  Gauges: `input_map` holds static phases and losses; the complex scale between
    the two maps is fixed by :func:`driver.calibration.planes.fix_gauge`; `launch_gain` is 1 at the
    step at which the maps were measured.
    """

    serial: str
    """Serial number of the calibrated device."""
    profile_hash: str
    """Hash of the profile it was opened with."""
    device_time_ns: int
    """Device time at the end of the calibration [ns]."""
    rho: RealArray
    """Arm ratio abs(b1/b0), (2, N, N) float64."""
    theta0_rad: RealArray
    """Phase between the arms without heating, (2, N, N) float64 [rad]."""
    kappa_rad_per_mw: RealArray
    """Phase per heat, (2, 2, N, N) float64 [rad/mW]."""
    power_full_mw: RealArray
    """Power at full code and cold resistance, (2, 2, N, N) float64 [mW]."""
    beta_per_mw: RealArray
    """Resistance slope, (2, 2, N, N) float64 [1/mW]."""
    links: RealArray
    """Thermal links between neighbours, (2, 2, 4, N, N) float64."""
    partner: RealArray
    """Thermal link between a pixel's two heaters, (2, N, N) float64."""
    ring: RealArray
    """Thermal coefficients of the second ring, by distance 2, sqrt(5), sqrt(8), (3,) float64."""
    substrate_rad_per_mw: RealArray
    """Phase of theta per moment M_pm of the chip's power, cosine modes, (3, 3) float64 [rad/mW]."""
    input_map: ComplexArray
    """Complex transmission of the input plane, (N, N) complex128."""
    middle_map: ComplexArray
    """Complex transmission behind the lens between the stages of layout 4f, (N, N) complex128; 1
    in layout mft."""
    output_map: ComplexArray
    """Complex response of the output plane, (N, N) complex128 [DN]."""
    conjugate_leak: complex
    """Part of the conjugate in Y, from errors of the reference steps."""
    launch_gain: ComplexArray
    """Amplitude gain of each launch attenuator step, (L,) complex128."""
    black_dn: RealArray
    """Black level with dark signal at the default exposure, (N, N) float64 [DN]."""
    saturation_dn: float
    """Counts from here on are saturated [DN]; inf when nothing saturates."""
    gain_e_per_dn: float
    """System gain [e-/DN]."""
    read_noise_e: float
    """Temporal dark noise of one exposure, RMS [e-]."""
    reference_dn: RealArray
    """Reference beam alone, black subtracted, (N, N) float64 [DN]."""
    pilot_codes: NDArray[Any]
    """Codes of the pilot frame, (2, 2, N, N), of the device's code dtype."""
    pilot_launch_step: int
    """Launch step at which the pilot is exposed."""
    pilot_spectrum: ComplexArray
    """y expected of the pilot at G = 1 and launch gain 1, (N, N) complex128 [DN]."""
    figures: dict[str, float] = field(default_factory=dict)
    """Figures of merit of the calibration run: frames, residuals, host time ..."""

    @property
    def grid(self) -> tuple[int, int]:
        """Pixels (rows, columns)."""
        rows, columns = self.input_map.shape
        return rows, columns

    def save(self, path: str | Path) -> None:
        """Write to an HDF5 file, atomically; see :func:`driver.calibration.store.save`."""
        from driver.calibration import store

        store.save(self, path)

    @staticmethod
    def load(path: str | Path) -> Calibration:
        """Read from an HDF5 file; see :func:`driver.calibration.store.load`."""
        from driver.calibration import store

        return store.load(path)
