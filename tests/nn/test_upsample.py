from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from nn import channel_upsample2d, icnr_, pad_within


def test_sub_channels_go_to_their_offsets() -> None:
    # One pixel, two output channels: 4c+s at (row, column) = (0,0), (1,0), (0,1), (1,1).
    input = torch.arange(8.0).view(1, 8, 1, 1)
    expected = torch.tensor([[[[0.0, 2.0], [1.0, 3.0]], [[4.0, 6.0], [5.0, 7.0]]]])
    assert torch.equal(channel_upsample2d(input), expected)


def test_is_pixel_shuffle_with_sub_channels_1_and_2_exchanged() -> None:
    input = torch.randn(2, 12, 5, 7)
    exchanged = input.view(2, 3, 4, 5, 7)[:, :, [0, 2, 1, 3]].reshape(2, 12, 5, 7)
    assert torch.equal(channel_upsample2d(input), functional.pixel_shuffle(exchanged, 2))


@pytest.mark.parametrize("shape", [(4, 3, 2), (0, 4, 3, 2), (2, 3, 8, 3, 2)])
def test_channel_upsample_takes_any_batch(shape: tuple[int, ...]) -> None:
    input = torch.randn(*shape)
    exchanged = input.unflatten(-3, (-1, 4))[..., [0, 2, 1, 3], :, :].flatten(-4, -3)
    assert torch.equal(channel_upsample2d(input), functional.pixel_shuffle(exchanged, 2))


@pytest.mark.parametrize("shape", [(1, 6, 2, 2), (4, 4)])
def test_channel_upsample_refuses_other_shapes(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"4\*C"):
        channel_upsample2d(torch.zeros(shape))


def test_pad_within_inserts_zeros_after_each_pixel() -> None:
    input = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    expected = torch.tensor([[1.0, 0.0, 2.0, 0.0], [0.0] * 4, [3.0, 0.0, 4.0, 0.0], [0.0] * 4])
    assert torch.equal(pad_within(input, 2), expected)
    assert torch.equal(pad_within(input, 1), input)


def test_pad_within_is_a_transposed_convolution_with_a_corner_kernel() -> None:
    input = torch.randn(2, 1, 4, 3)
    kernel = torch.zeros(1, 1, 3, 3)
    kernel[0, 0, 0, 0] = 1.0
    assert torch.equal(pad_within(input, 3), functional.conv_transpose2d(input, kernel, stride=3))


def test_pad_within_refuses_a_stride_below_one_and_a_vector() -> None:
    with pytest.raises(ValueError, match="stride"):
        pad_within(torch.zeros(2, 2), 0)
    with pytest.raises(ValueError, match="H, W"):
        pad_within(torch.zeros(2))


def test_icnr_makes_a_nearest_neighbour_start() -> None:
    weight = icnr_(torch.randn(8, 3, 3, 3))
    hidden = functional.conv2d(torch.randn(1, 3, 6, 6), weight, padding=1)
    enlarged = channel_upsample2d(hidden)
    nearest = enlarged[..., ::2, ::2].repeat_interleave(2, -1).repeat_interleave(2, -2)
    assert torch.equal(enlarged, nearest)
    with pytest.raises(ValueError, match=r"4\*C"):
        icnr_(torch.zeros(6))
