"""Camera after EMVA 1288: photons to electrons, noise, full well, and the converter.

Functions take NumPy or torch arrays (`array_api_compat`) and keep their kind, device and gradient.
Source: EMVA Standard 1288, Release 4.0, "Standard for characterization of image sensors".
"""

from __future__ import annotations

from typing import Any

from array_api_compat import array_namespace, is_torch_array

__all__ = [
    "dark_rate",
    "digital_numbers",
    "mean_electrons",
    "noisy_electrons",
    "photon_rate",
    "quantise_counts",
    "round_straight_through",
]

Array = Any


def photon_rate(
    signal: Array, reference: Array, intensity_factor: Array, stray_rate: float
) -> Array:
    """Photons per microsecond on a pixel, I = |S + r|^2 (1 + rin n) + stray.

    Parameters
    ----------
    signal, reference : complex, broadcast together [sqrt(photons/us)]
    intensity_factor : 1 + rin n, broadcast
    stray_rate : light that is coherent with neither [photons/us]
    """
    xp = array_namespace(signal, reference)
    field = signal + reference
    return (xp.real(field) ** 2 + xp.imag(field) ** 2) * intensity_factor + stray_rate


def dark_rate(
    dark_e_per_s: float, temperature_k: float, reference_k: float, doubling_k: float
) -> float:
    """Dark current at a temperature, D(T) = D(T_ref) 2^((T - T_ref) / T_double) [e-/s]."""
    return dark_e_per_s * 2.0 ** ((temperature_k - reference_k) / doubling_k)


def mean_electrons(
    photons_per_us: Array, exposure_us: float, qe: Array, dark_e_per_s: Array
) -> Array:
    """Mean of the electrons collected, mu_e = t (I QE) + t 1e-6 D [e-].

    Parameters
    ----------
    photons_per_us : (..., N, N)
    exposure_us : exposure time t [us]
    qe : (N, N) quantum efficiency with its PRNU [e-/photon]
    dark_e_per_s : (N, N) dark current with its DSNU [e-/s]
    """
    return exposure_us * (photons_per_us * qe) + exposure_us * 1e-6 * dark_e_per_s


def noisy_electrons(
    mean_e: Array, normals: Array | None, read_noise_e: float, shot_noise: bool
) -> Array:
    """Electrons of one exposure, e = mu_e + sqrt(mu_e + sigma_read^2) n [e-].

    Shot noise in its Gaussian limit.  `normals` has the shape of `mean_e`; None: no noise at all.
    """
    if normals is None:
        return mean_e
    variance = (mean_e if shot_noise else 0.0 * mean_e) + read_noise_e**2
    xp = array_namespace(mean_e)
    return mean_e + xp.sqrt(variance) * normals


def digital_numbers(
    electrons: Array, full_well_e: float, gain_e_per_dn: float, black_level_dn: float
) -> Array:
    """Numbers before the converter, y = min(e, full well) / K + black [DN], K in e-/DN."""
    xp = array_namespace(electrons)
    return xp.clip(electrons, None, full_well_e) / gain_e_per_dn + black_level_dn


def quantise_counts(dn: Array, adc_bits: int) -> Array:
    """Whole numbers, half to even, clipped to [0, 2^bits - 1]; ``adc_bits=0`` changes nothing.

    Still floating point.  The gradient is that of the clip: 1 inside the range, 0 in saturation.
    """
    if not adc_bits:
        return dn
    xp = array_namespace(dn)
    return xp.clip(round_straight_through(dn), 0.0, float(2**adc_bits - 1))


def round_straight_through(x: Array) -> Array:
    """Nearest integer, half to even; under torch's autograd, the gradient of the identity."""
    xp = array_namespace(x)
    rounded = xp.round(x)
    # x + (rounded - x) is exact: the difference is a multiple of x's last place, at most 1/2.
    return x + (rounded - x).detach() if is_torch_array(x) else rounded
