"""Camera after EMVA 1288: photons to electrons, noise, full well, and the converter.

Shot noise is Poisson's; where a step of the converter is wide against the error of its Gaussian
limit, that limit serves.

Functions take NumPy or torch arrays (`array_api_compat`) and keep their kind, device and gradient.
Source: EMVA Standard 1288, Release 4.0, "Standard for characterization of image sensors".
"""

from __future__ import annotations

from typing import Any

from array_api_compat import array_namespace, is_torch_array
from scipy.special import ndtri

__all__ = [
    "POISSON_BELOW_E_PER_DN",
    "dark_rate",
    "digital_numbers",
    "mean_electrons",
    "noisy_electrons",
    "photon_rate",
    "poisson_electrons",
    "poisson_quantile",
    "quantise_counts",
    "round_straight_through",
    "shot_noise_is_poisson",
]

Array = Any

POISSON_BELOW_E_PER_DN = 8.4
"""System gain up to which the Gaussian limit of shot noise is too coarse [e-/DN].

With normals up to n^2 = 2 ln 2^24, the limit mu + sqrt(mu) n errs from Poisson's quantile by less:
above the middle by under (n^2 - 1)/6 + 1/2 = 5.9 e-, below it by n^2/4 = 8.3 e-, to where it falls
under zero.
"""

_EXACT_BELOW_E = 64.0
"""Mean up to which Poisson's distribution is summed."""

_MOST_SUMMED = 128
"""No quantile of a mean below `_EXACT_BELOW_E` is larger: the tail above is 4e-12."""


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

    Shot noise in its Gaussian limit (`shot_noise_is_poisson` says where).  `normals` has the shape
    of `mean_e`; None: no noise at all.
    """
    if normals is None:
        return mean_e
    variance = (mean_e if shot_noise else 0.0 * mean_e) + read_noise_e**2
    xp = array_namespace(mean_e)
    return mean_e + xp.sqrt(variance) * normals


def shot_noise_is_poisson(shot_noise: bool, adc_bits: int, gain_e_per_dn: float) -> bool:
    """Whether shot noise is drawn from Poisson's distribution rather than its Gaussian limit.

    By nominal gain, so that two specimens of a profile do alike.
    """
    return shot_noise and (adc_bits == 0 or gain_e_per_dn < POISSON_BELOW_E_PER_DN)


def poisson_quantile(mean_e: Array, uniforms: Array) -> Array:
    """Electrons X of Poisson's distribution with mean mu at a probability U [e-], whole numbers.

    mu < 64: the smallest k whose cumulative probability sum_{j<=k} e^-mu mu^j/j! reaches U.
    mu >= 64: with n = Phi^-1(U), the Cornish-Fisher expansion to the skewness,
    X = max(0, rint(mu + sqrt(mu) n + (n^2 - 1)/6)); what is left out, (n - n^3)/(72 sqrt(mu)), is
    below 0.3 e-.  Source: Cornish and Fisher, Rev. Inst. Int. Stat. 5, 307 (1938).

    The gradient in torch is that of mu + sqrt(mu) n: dX/dmu = 1 + n/(2 sqrt(mu)).

    Parameters
    ----------
    mean_e : (...) [e-]
    uniforms : (...) in (0, 1)
    """
    xp = array_namespace(mean_e, uniforms)
    normals = _normal_quantile(uniforms)
    mu = mean_e.detach() if is_torch_array(mean_e) else mean_e
    few = mu < _EXACT_BELOW_E
    many = xp.round(mu + xp.sqrt(mu) * normals + (normals**2 - 1.0) / 6.0)
    summed = xp.where(few, mu, xp.zeros_like(mu))
    exact = _summed_quantile(summed, xp.where(few, uniforms, xp.zeros_like(uniforms)))
    quantile = xp.where(few, exact, xp.clip(many, 0.0, None))
    if not is_torch_array(mean_e):
        return quantile
    smooth = mean_e + xp.sqrt(xp.clip(mean_e, 1e-30, None)) * normals
    return quantile + (smooth - smooth.detach())


def _summed_quantile(mean_e: Array, uniforms: Array) -> Array:
    xp = array_namespace(mean_e, uniforms)
    probability = xp.exp(-mean_e)
    below, k = probability, xp.zeros_like(mean_e)
    for j in range(1, _MOST_SUMMED):
        short = below < uniforms
        if not bool(xp.any(short)):
            break
        k = xp.where(short, k + 1.0, k)
        probability = probability * mean_e / j
        below = below + probability
    return k


def _normal_quantile(uniforms: Array) -> Array:
    if is_torch_array(uniforms):
        return array_namespace(uniforms).special.ndtri(uniforms)
    return ndtri(uniforms)


def poisson_electrons(
    mean_e: Array, uniforms: Array, read_normals: Array, read_noise_e: float
) -> Array:
    """Electrons of one exposure, e = X(mu_e, U) + sigma_read n [e-], X by `poisson_quantile`."""
    return poisson_quantile(mean_e, uniforms) + read_noise_e * read_normals


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
