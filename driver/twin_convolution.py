"""A convolution on the calibrated twin, in torch, so that autograd can go back through it.

The steps are those of `driver.convolution`, `driver.one_pass` and `driver.optical_product`, with
`TwinChain.transform` in the light's place: segments to tiles, polynomials off, frames of equal
energy, packed as planned, through the lens and back.  What a polynomial adds to the output is
exact here too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from driver.cutting import EXPONENTS
from driver.one_pass import PEDESTAL
from driver.plan import ConvolutionPlan, KernelPart

__all__ = ["convolved_by_twin"]

Tensor = Any
Index = NDArray[np.int64]


class Chain(Protocol):
    """What stands for the light: `driver.calibration.twin_chain.TwinChain`."""

    def transform(
        self, x: Tensor, *, operand: Tensor = None, inverse: bool = False, residual: bool = False
    ) -> Tensor:
        """Frames (f, N, N) complex128 to what the camera would be decoded to."""
        ...


def convolved_by_twin(
    chain: Chain, plan: ConvolutionPlan, part: KernelPart, tiles: tuple[int, int], *args: Tensor
) -> Tensor:
    """What some tiles of one part of the kernels add to the output.

    Parameters
    ----------
    chain, plan, part, tiles
    args
        Padded input (B, Cin, Hp, Wp) and weight (Cout, Cin/groups, kh, kw), float64 tensors.

    Returns
    -------
    (B, Cout, Ho, Wo) float64
    """
    padded, weight = args
    segments = _segments(part, tiles)
    pictures = _cut(plan, part, segments, tiles[1] - tiles[0], padded)
    smooth = _polynomials(part, segments, pictures)
    kernels = _kernel_spectra(plan, part, weight)
    through = _in_one_pass if plan.layout == "4f" else _in_two_passes
    light = through(chain, plan, pictures - smooth, kernels)
    if not part.has_seams:
        return _put(plan, part, segments, light + _convolved(plan, smooth, kernels))
    # Seams are closed exactly: the light's error alone is left of what wraps around.
    wrong = _put(plan, part, segments, light - _convolved(plan, pictures - smooth, kernels))
    return wrong + _exactly(plan, part, segments, padded, weight)


def _exactly(
    plan: ConvolutionPlan, part: KernelPart, segments: Index, padded: Tensor, weight: Tensor
) -> Tensor:
    """The segments' outputs, from tiles of their own that are large enough for their halos."""
    halo = (part.extent[0] - 1, part.extent[1] - 1)
    alone = segments.copy()
    alone[:, 0], alone[:, 1:3] = np.arange(len(segments)), 0
    wide, whole = replace(plan, grid=plan.grid + max(halo)), replace(part, halo=halo)
    pictures = _cut(wide, whole, alone, len(alone), padded)
    return _put(
        wide, whole, alone, _convolved(wide, pictures, _kernel_spectra(wide, whole, weight))
    )


def _segments(part: KernelPart, tiles: tuple[int, int]) -> Index:
    """Segments of some tiles, numbered from the first of these."""
    first, last = part.layout.first[tiles[0]], part.layout.first[tiles[1]]
    found = part.layout.segments[int(first) : int(last)].astype(np.int64)
    found[:, 0] -= tiles[0]
    return found


def _cut(
    plan: ConvolutionPlan, part: KernelPart, segments: Index, count: int, padded: Tensor
) -> Tensor:
    """Tiles (t, planes, N, N) of the padded picture."""
    n = plan.grid
    image, row, column = (np.zeros((count, n, n), np.int64) for _ in range(3))
    inside = np.zeros((count, n, n))
    for tile, r, c, picture, top, left, height, width in segments:
        rows, columns = height + part.halo[0], width + part.halo[1]
        place = (tile, slice(r, r + rows), slice(c, c + columns))
        image[place] = picture
        row[place] = top + part.lead[0] + np.arange(rows)[:, None]
        column[place] = left + part.lead[1] + np.arange(columns)
        inside[place] = 1
    (down, right), (rows, columns) = plan.sampling.step, plan.padded
    channel, first_row, first_column = part.sources.astype(np.int64).T[..., None, None]
    seen = padded[
        image[:, None],
        channel,
        np.minimum(first_row + down * row[:, None], rows - 1),
        np.minimum(first_column + right * column[:, None], columns - 1),
    ]
    return seen * padded.new_tensor(inside)[:, None]


def _polynomials(part: KernelPart, segments: Index, pictures: Tensor) -> Tensor:
    """Each segment's polynomial of degree 2, by least squares, where the segment lies."""
    smooth = pictures.new_zeros(pictures.shape)
    for height, width in np.unique(segments[:, 6:], axis=0):
        rows, columns = height + part.halo[0], width + part.halo[1]
        alike = segments[(segments[:, 6] == height) & (segments[:, 7] == width)]
        place = (
            alike[:, 0, None, None],
            slice(None),
            alike[:, 1, None, None] + np.arange(rows)[:, None],
            alike[:, 2, None, None] + np.arange(columns),
        )
        r, c = np.linspace(-1, 1, rows)[:, None], np.linspace(-1, 1, columns)
        monomials = [(r**i * c**j).ravel() for i, j in EXPONENTS]
        basis, values, _ = np.linalg.svd(np.stack(monomials, 1), full_matrices=False)
        q = pictures.new_tensor(basis[:, values > 1e-9 * values[0]])
        seen = pictures[place]  # (segments, rows, columns, planes)
        flat = seen.reshape(len(alike), rows * columns, -1)
        fitted = (q @ (q.T @ flat)).reshape(seen.shape)
        smooth = smooth.index_put(_everywhere(place, pictures.shape[1]), fitted)
    return smooth


def _everywhere(place: tuple[Any, ...], planes: int) -> tuple[Tensor, ...]:
    """Indices of all planes at a place, in the order in which indexing gives them."""
    import torch

    tile, _, row, column = place
    every = np.arange(planes)
    parts = (tile[..., None], every, row[..., None], column[..., None])
    return tuple(torch.from_numpy(np.ascontiguousarray(part)) for part in parts)


def _kernel_spectra(plan: ConvolutionPlan, part: KernelPart, weight: Tensor) -> Tensor:
    """``conj F w`` of one part's taps, (groups, out, planes/groups, N, N)."""
    import torch

    grouped = weight.reshape(plan.groups, -1, *weight.shape[1:])
    which = torch.arange(weight.numel(), dtype=torch.float32).reshape(grouped.shape)
    # Where each tap goes, by sending taps' numbers the way: from 1 on, since zeros fill the rest.
    places = plan.sampling.kernels((which + 1).numpy()).astype(np.int64)
    flat = torch.cat([weight.new_zeros(1), weight.reshape(-1)])
    taps = flat[torch.from_numpy(places)][
        ...,
        part.first_row : part.first_row + part.rows,
        part.first_column : part.first_column + part.columns,
    ]
    down, right = plan.sampling.dilation
    rows, columns = (part.rows - 1) * down + 1, (part.columns - 1) * right + 1
    field = weight.new_zeros(*taps.shape[:3], plan.grid, plan.grid)
    field[..., :rows:down, :columns:right] = taps
    return torch.fft.fft2(field).conj()


def _by_group(plan: ConvolutionPlan, pictures: Tensor) -> Tensor:
    return pictures.reshape(len(pictures), plan.groups, -1, plan.grid, plan.grid)


def _products(plan: ConvolutionPlan, spectra: Tensor, kernels: Tensor) -> Tensor:
    import torch

    return torch.einsum("tgiyx,goiyx->tgoyx", _by_group(plan, spectra), kernels).flatten(1, 2)


def _convolved(plan: ConvolutionPlan, pictures: Tensor, kernels: Tensor) -> Tensor:
    """Exactly, (t, Cout, N, N)."""
    import torch

    return torch.fft.ifft2(_products(plan, torch.fft.fft2(pictures), kernels)).real


def _size(values: Tensor) -> Tensor:
    """RMS of each frame, a constant; 1 of an empty one."""
    import torch

    size = (values.detach().abs() ** 2).mean((-2, -1), keepdim=True) ** 0.5
    return torch.where(size > 0, size, torch.ones_like(size))


def _in_two_passes(
    chain: Chain, plan: ConvolutionPlan, pictures: Tensor, kernels: Tensor
) -> Tensor:
    """Layout mft: (t, planes, N, N) to (t, Cout, N, N)."""
    import torch

    pack, precision = plan.precision.pack, plan.precision
    size = _size(pictures)
    flat = (pictures / size).flatten(0, 1)
    seen = chain.transform(_joined(flat, pack), residual=precision.pictures.residual)
    spectra = _separated(seen, len(flat), pack).reshape(pictures.shape) * size
    back = {"inverse": True, "residual": precision.products.residual}
    if not plan.chip_multiplies:
        products = _products(plan, spectra, kernels)
        size = _size(products)
        flat = (products / size).flatten(0, 1)
        seen = chain.transform(_joined(flat, pack), **back)
        return _unpacked(seen, len(flat), pack).reshape(products.shape) * size
    size = _size(spectra)
    sent = _tiles_joined(spectra / size, pack)

    def light(frames: Tensor, shown: Tensor) -> Tensor:
        return chain.transform(frames, operand=shown, **back)

    return torch.cat(list(_pairs(plan, sent, size, kernels, light)), 1)


def _in_one_pass(chain: Chain, plan: ConvolutionPlan, pictures: Tensor, kernels: Tensor) -> Tensor:
    """Layout 4f, likewise."""
    import torch

    size = _size(pictures)
    alone = pictures / size
    if plan.precision.pack:
        sent = _tiles_joined(alone, True)
    else:
        sent = alone + 1j * PEDESTAL * alone.detach().abs().amax((-2, -1), keepdim=True)

    def light(frames: Tensor, shown: Tensor) -> Tensor:
        residual = plan.precision.pictures.residual
        seen = chain.transform(frames, operand=shown, residual=residual)
        return torch.roll(seen.flip(-2, -1), (1, 1), (-2, -1))  # index -r

    return torch.cat(list(_pairs(plan, sent, size, kernels, light)), 1)


def _pairs(plan: ConvolutionPlan, sent: Tensor, size: Tensor, kernels: Tensor, light: Any) -> Any:
    """Each output channel (t, 1, N, N): frames of all its input channels, summed."""
    count, n = len(size), plan.grid
    sent, sizes = _by_group(plan, sent), size.reshape(count, plan.groups, -1, 1, 1)
    for group in range(plan.groups):
        frames = sent[:, group]
        for out in range(kernels.shape[1]):
            shown = kernels[group, out].expand(frames.shape)
            seen = light(frames.reshape(-1, n, n), shown.reshape(-1, n, n)).reshape(frames.shape)
            each = _unpacked(seen, count, plan.precision.pack) * sizes[:, group]
            yield each.sum(1, keepdim=True)


def _joined(flat: Tensor, pack: bool) -> Tensor:
    """Pictures, or their spectra, one or two in a complex frame."""
    import torch

    if not pack:
        return flat + 0j
    odd = flat[1::2]
    if len(flat) % 2:
        odd = torch.cat([odd, torch.zeros_like(flat[:1])])
    return flat[0::2] + 1j * odd


def _tiles_joined(tiles: Tensor, pack: bool) -> Tensor:
    """The same by plane: two tiles (t, planes, N, N) in a frame."""
    return _joined(tiles, pack)


def _unpacked(frames: Tensor, count: int, pack: bool) -> Tensor:
    """Real pictures in frames."""
    import torch

    if not pack:
        return frames.real
    both = torch.stack([frames.real, frames.imag], 1)
    return both.flatten(0, 1)[:count]


def _separated(seen: Tensor, count: int, pack: bool) -> Tensor:
    """Hermitian spectra of the real pictures in frames."""
    import torch

    turned = torch.roll(seen.flip(-2, -1), (1, 1), (-2, -1)).conj()
    first, second = (seen + turned) / 2, (seen - turned) / 2j
    return torch.stack([first, second], 1).flatten(0, 1)[:count] if pack else first


def _put(plan: ConvolutionPlan, part: KernelPart, segments: Index, tiles: Tensor) -> Tensor:
    """Outputs in their places, (B, Cout, Ho, Wo), zero elsewhere."""
    import torch

    (down, right), places = plan.sampling.stride, []
    for tile, r, c, image, top, left, height, width in segments:
        rows, columns = np.arange(-top % down, height, down), np.arange(-left % right, width, right)
        grid = np.meshgrid(rows, columns, indexing="ij")
        y, x = (axis.ravel() for axis in grid)
        row, column = ((r + y - part.lead[0]) % plan.grid, (c + x - part.lead[1]) % plan.grid)
        at = np.stack([np.full_like(y, tile), row, column])
        to = np.stack([np.full_like(y, image), (top + y) // down, (left + x) // right])
        places.append(np.concatenate([at, to]))
    tile, row, column, image, to_row, to_column = torch.from_numpy(np.concatenate(places, 1))
    result = tiles.new_zeros(plan.batch, plan.outputs, *plan.output)
    every = torch.arange(plan.outputs)
    target = (image[:, None], every, to_row[:, None], to_column[:, None])
    return result.index_put(target, tiles[tile[:, None], every, row[:, None], column[:, None]])
