from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from skimage import data

from nn.data import prepare_photo
from nn.interpolation import INTERPOLATIONS, Interpolation, interpolate
from nn.judging import LinearFilter, fit_linear_filter, psnr
from nn.judging.linear_filter import Colours
from nn.sampling import decimate


def _noisy_pictures(count: int, seed: int = 0) -> list[torch.Tensor]:
    """Random pictures whose pixels say something, and not all, of their neighbours."""
    generator = torch.Generator().manual_seed(seed)
    small = torch.rand(count, 3, 12, 14, generator=generator, dtype=torch.float64)
    smooth = interpolate(small, "bicubic")
    noise = torch.randn(smooth.shape, generator=generator, dtype=torch.float64)
    return list((smooth + 0.1 * noise).clamp(0, 1))


@pytest.mark.parametrize("colours", ["shared", "apart", "joint"])
def test_finds_the_filter_that_made_the_pictures(colours: Colours) -> None:
    """What a linear filter enlarged, the fitted filter enlarges just so."""
    generator = torch.Generator().manual_seed(1)
    weight = torch.zeros(3, 2, 2, 3, 3, 3, dtype=torch.float64)
    for colour in range(3):
        own = torch.randn(2, 2, 3, 3, generator=generator, dtype=torch.float64)
        weight[colour, :, :, colour] = weight[0, :, :, 0] if colours == "shared" and colour else own
    if colours == "joint":
        weight = torch.randn(weight.shape, generator=generator, dtype=torch.float64)
    # The sample that `decimate` will take is the input itself, whatever else the filter does.
    weight[:, 1, 1] = 0
    for colour in range(3):
        weight[colour, 1, 1, colour, 1, 1] = 1
    small = torch.rand(4, 3, 9, 9, generator=generator, dtype=torch.float64)
    pictures = list(LinearFilter(weight)(small))
    found = fit_linear_filter(pictures, 3, colours=colours, scale=2)
    # 324 equations a system, well conditioned: normal equations keep half of float64's digits.
    assert (found.weight - weight).abs().max() < 1e-8


def test_the_window_is_centred_on_the_pixel_the_block_belongs_to() -> None:
    weight = torch.zeros(3, 8, 8, 3, 3, 3)
    for colour in range(3):
        weight[colour, :, :, colour, 1, 1] = 1.0
    small = torch.rand(1, 3, 4, 5)
    assert torch.equal(LinearFilter(weight)(small), interpolate(small, "nearest"))
    shifted = weight.roll((1, -1), (4, 5))  # reads one below and one to the left
    down = small[:, :, [1, 2, 3, 3]][..., [0, 0, 1, 2, 3]]
    assert torch.equal(LinearFilter(shifted)(small), interpolate(down, "nearest"))


@pytest.mark.parametrize("kind", INTERPOLATIONS)
def test_no_interpolation_beats_it_on_what_it_was_fitted_on(kind: Interpolation) -> None:
    pictures = _noisy_pictures(6)
    ours = fit_linear_filter(pictures, 7)

    def squared_error(enlarge: Callable[[torch.Tensor], torch.Tensor]) -> float:
        return sum((enlarge(decimate(p)[None])[0] - p).square().sum().item() for p in pictures)

    # The least of all linear filters of 7×7, these four among them.  (Lanczos reaches 3 pixels,
    # and replicates edge pixels as the filter does.)
    assert squared_error(ours) < squared_error(lambda x: interpolate(x, kind))


def test_looking_at_all_colours_is_never_worse_on_its_own_pictures() -> None:
    pictures = _noisy_pictures(6)
    errors = []
    for colours in ("shared", "apart", "joint"):
        fitted = fit_linear_filter(pictures, 3, colours=colours)  # type: ignore[arg-type]
        errors.append(sum((fitted(decimate(p)[None])[0] - p).square().sum() for p in pictures))
    assert errors[0] > errors[1] > errors[2]


def test_few_pictures_leave_the_least_weights() -> None:
    flat = torch.full((3, 8, 8), 0.5)
    fitted = fit_linear_filter([flat], 3)
    assert torch.allclose(fitted(torch.full((1, 3, 2, 2), 0.5)), torch.tensor(0.5))
    assert fitted.weight.isfinite().all()


def test_comes_back_from_its_file(tmp_path: Path) -> None:
    fitted = fit_linear_filter(_noisy_pictures(2), 3, fitted_on="two made-up pictures")
    fitted.save(tmp_path / "filter.safetensors")
    again = LinearFilter.load(tmp_path / "filter.safetensors")
    assert torch.equal(again.weight, fitted.weight.float())
    assert (again.fitted_on, again.k, again.scale) == ("two made-up pictures", 3, 8)


def test_the_shipped_filter_beats_bicubic_on_photographs() -> None:
    shipped = LinearFilter.shipped()
    assert shipped.k == 7
    assert "photographs" in shipped.fitted_on
    gains = []
    for photo in (data.astronaut(), data.chelsea(), data.rocket()):
        target = prepare_photo(Image.fromarray(photo)).float() / 255
        small = decimate(target)[None]
        bicubic = interpolate(small, "bicubic")[0]
        gains.append(psnr(shipped(small)[0], target) - psnr(bicubic, target))
    assert min(gains) > 0
    assert sum(gains) / len(gains) > 0.1


@pytest.mark.parametrize("k", [0, 4, -1])
def test_an_even_window_is_refused(k: int) -> None:
    with pytest.raises(ValueError, match="odd"):
        fit_linear_filter(_noisy_pictures(1), k)


def test_what_holds_no_filter_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no pictures"):
        fit_linear_filter([])
    with pytest.raises(ValueError, match="one of shared, apart, joint"):
        fit_linear_filter([], colours="grey")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"\(3, scale, scale, 3, k, k\)"):
        LinearFilter(torch.zeros(3, 8, 8, 1, 7, 7))
    with pytest.raises(FileNotFoundError, match="no linear filter"):
        LinearFilter.load(tmp_path / "absent.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"nothing of the kind")
    with pytest.raises(ValueError, match=r"bad\.safetensors holds no linear filter"):
        LinearFilter.load(tmp_path / "bad.safetensors")
