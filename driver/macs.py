"""What a convolution's multiply-accumulates are spent on."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Macs"]


@dataclass(frozen=True)
class Macs:
    """Multiply-accumulates of a convolution, real ones, per call.

    ``gemm`` is what an electronic convolution would take; the others are what stays electronic.
    Spectral products count four real MACs per complex product and half a plane of N·(N//2+1) bins,
    rims and unused parts of tiles included. ``kernels`` is spent once per weight,
    and once more when one of few taps comes again (`driver.kernels`).
    ``seams`` is what electronics convolve at the rims of tiles where light carries no halos.
    ``codec`` is encoding, decoding and drift correction (`driver.codec_macs`), residual frames and
    pilots included.

    A MAC is a real multiplication, with or without an addition. Not MACs, and not counted: plain
    additions and comparisons, divisions, square roots, and the polynomials that stand for sines and
    arc tangents. Not known beforehand, and not counted: frames that are repeated because they
    saturated, each of which is encoded and decoded again.
    """

    gemm: int
    spectral: int
    kernels: int
    polynomial: int
    scaling: int
    seams: int
    codec: int

    @property
    def electronic(self) -> int:
        """All that stays electronic in a call whose kernel spectra are known."""
        return self.spectral + self.polynomial + self.scaling + self.seams + self.codec
