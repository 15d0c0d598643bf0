"""`optical_conv2d` and `OpticalConv2d` against torch: values, gradients, kinds and errors."""

from __future__ import annotations

import copy
import io
import pickle
from functools import partial
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

from nn import OpticalConv2d, optical_conv2d

MODES = ("zeros", "reflect", "replicate", "circular")


@st.composite
def layers(draw: st.DrawFn) -> dict[str, Any]:
    """Arguments of a Conv2d, and an input size that it accepts."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    kernel = (draw(st.integers(1, 5)), draw(st.integers(1, 5)))
    dilation = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    padding_mode = draw(st.sampled_from(MODES))
    same = draw(st.booleans())
    stride = (1, 1) if same else (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
    extent = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    size = [draw(st.integers(e, 20)) for e in extent]
    padding: str | tuple[int, int] = (
        "same" if same else (draw(st.integers(0, 3)), draw(st.integers(0, 3)))
    )
    if padding_mode in ("reflect", "circular"):
        # These modes have no more to give than the picture holds.
        reach = [(e - 1) // 2 + 2 for e in extent] if same else [4, 4]
        size = [max(s, r) for s, r in zip(size, reach, strict=True)]
    return {
        "in_channels": groups * draw(st.integers(1, 3)),
        "out_channels": groups * draw(st.integers(1, 3)),
        "kernel_size": kernel,
        "stride": stride,
        "padding": padding,
        "dilation": dilation,
        "groups": groups,
        "bias": draw(st.booleans()),
        "padding_mode": padding_mode,
        "batch": draw(st.integers(1, 3)),
        "size": size,
        "seed": draw(st.integers(0, 2**31)),
    }


def _pair(case: dict[str, Any], optics: Any) -> tuple[nn.Conv2d, OpticalConv2d, torch.Tensor]:
    options = dict(case)
    torch.manual_seed(options.pop("seed"))
    input = torch.randn(options.pop("batch"), options["in_channels"], *options.pop("size"))
    electronic = nn.Conv2d(**options)
    optical = OpticalConv2d(**options, optics=optics)
    optical.load_state_dict(electronic.state_dict())
    return electronic, optical, input


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@settings(max_examples=60, deadline=None)
@given(case=layers(), gradient=st.sampled_from(["exact", "optical"]))
def test_values_and_gradients_are_torchs_whatever_the_options(
    case: dict[str, Any], gradient: Any, lasting_stand_in: Any
) -> None:
    electronic, optical, input = _pair(case, lasting_stand_in)
    optical.gradient = gradient
    first, second = input.clone().requires_grad_(), input.clone().requires_grad_()
    expected, output = electronic(first), optical(second)
    # Up to 1,200 products of order 1 are added in another order: 1,200 * 6e-8 at the very worst.
    close = partial(torch.testing.assert_close, atol=7e-5, rtol=1e-5)
    close(output, expected)
    cotangent = torch.randn_like(expected)
    expected.backward(cotangent)
    output.backward(cotangent)
    close(second.grad, first.grad)
    for wanted, found in zip(electronic.parameters(), optical.parameters(), strict=True):
        close(found.grad, wanted.grad)


@pytest.mark.parametrize("padding_mode", MODES)
def test_gradient_is_differentiable_in_turn(padding_mode: Any, stand_in: Any) -> None:
    # The forward pass is float32; its gradient is computed in float64 and so bears a numeric check.
    input = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 1, 3, 2, dtype=torch.float64, requires_grad=True)

    def layer(input: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return optical_conv2d(
            input,
            weight,
            padding=(1, 2),
            stride=2,
            groups=2,
            padding_mode=padding_mode,
            optics=stand_in,
        )

    assert torch.autograd.gradgradcheck(layer, (input, weight))


def test_optical_gradients_are_on_the_device_and_not_differentiable_in_turn(stand_in: Any) -> None:
    input = torch.randn(1, 2, 6, 6, requires_grad=True)
    weight = torch.randn(3, 2, 3, 3, requires_grad=True)
    output = optical_conv2d(input, weight, optics=stand_in, gradient="optical")
    torch.autograd.grad(output.sum(), (input, weight), retain_graph=True)
    assert stand_in.calls == 2, "the convolution, and both gradients together"
    frozen = optical_conv2d(input.detach(), weight, optics=stand_in, gradient="optical")
    torch.autograd.grad(frozen.sum(), weight)
    assert stand_in.wanted == [(True, True), (False, True)]
    (slope,) = torch.autograd.grad(output.square().sum(), input, create_graph=True)
    with pytest.raises(RuntimeError, match="in turn"):
        torch.autograd.grad(slope.sum(), input)


def test_only_the_wanted_gradients_are_computed(stand_in: Any) -> None:
    input = torch.randn(1, 2, 6, 6)
    weight = torch.randn(3, 2, 3, 3, requires_grad=True)
    optical_conv2d(
        input, weight, padding=1, padding_mode="circular", optics=stand_in
    ).sum().backward()
    assert weight.grad is not None
    frozen = weight.detach()
    input.requires_grad_()
    optical_conv2d(
        input, frozen, padding=1, padding_mode="circular", optics=stand_in
    ).sum().backward()
    assert input.grad is not None


def test_functional_gradients_work(stand_in: Any) -> None:
    input, weight = torch.randn(1, 2, 5, 5), torch.randn(3, 2, 3, 3)
    found = torch.func.grad(lambda w: optical_conv2d(input, w, optics=stand_in).square().sum())(
        weight
    )
    wanted = torch.func.grad(lambda w: functional.conv2d(input, w).square().sum())(weight)
    torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_result_and_gradients_are_of_the_inputs_dtype(dtype: torch.dtype, stand_in: Any) -> None:
    input = torch.randn(2, 3, 8, 8, dtype=dtype, requires_grad=True)
    weight = torch.randn(4, 3, 3, 3, dtype=dtype, requires_grad=True)
    output = optical_conv2d(input, weight, optics=stand_in)
    exact = functional.conv2d(input.float(), weight.float())
    assert output.dtype == dtype
    torch.testing.assert_close(output, exact.to(dtype))
    output.sum().backward()
    assert input.grad is not None
    assert input.grad.dtype == dtype


def test_follows_autocast_as_conv2d_does(stand_in: Any) -> None:
    input, weight = torch.randn(1, 3, 8, 8), torch.randn(4, 3, 3, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert optical_conv2d(input, weight, optics=stand_in).dtype == torch.bfloat16


def test_unbatched_and_empty_inputs(stand_in: Any) -> None:
    layer = OpticalConv2d(3, 4, 3, padding=1, padding_mode="reflect", optics=stand_in)
    input = torch.randn(3, 6, 7)
    torch.testing.assert_close(layer(input), layer(input[None])[0])
    calls = stand_in.calls
    empty = torch.randn(0, 3, 6, 7, requires_grad=True)
    output = layer(empty)
    assert output.shape == (0, 4, 6, 7)
    output.sum().backward()
    assert empty.grad is not None
    assert stand_in.calls == calls, "nothing to compute needs no light"


@pytest.mark.parametrize("gradient", ["exact", "optical"])
def test_compiles_and_follows_a_change_of_device(gradient: Any, stand_in: Any) -> None:
    layer = OpticalConv2d(
        3, 4, 3, padding=1, padding_mode="replicate", optics=stand_in, gradient=gradient
    )
    compiled = torch.compile(layer, backend="aot_eager")
    input = torch.randn(1, 3, 6, 6, requires_grad=True)
    for _ in range(2):
        output, expected = compiled(input), layer(input)
        assert torch.equal(output, expected)
        (found,) = torch.autograd.grad(output.sum(), input)
        (wanted,) = torch.autograd.grad(expected.sum(), input)
        assert torch.equal(found, wanted)
        layer.optics = other = type(stand_in)()
    before = stand_in.calls
    compiled(input)
    assert stand_in.calls == before
    assert other.calls == 1


WRONG: dict[str, tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = {
    "channels": ((1, 3, 8, 8), (4, 2, 3, 3), {}),
    "kernel too large": ((1, 3, 2, 2), (4, 3, 3, 3), {}),
    "groups": ((1, 3, 8, 8), (4, 3, 3, 3), {"groups": 3}),
    "no groups": ((1, 3, 8, 8), (4, 3, 3, 3), {"groups": 0}),
    "stride": ((1, 3, 8, 8), (4, 3, 3, 3), {"stride": 0}),
    "dilation": ((1, 3, 8, 8), (4, 3, 3, 3), {"dilation": 0}),
    "padding": ((1, 3, 8, 8), (4, 3, 3, 3), {"padding": -1}),
    "padding string": ((1, 3, 8, 8), (4, 3, 3, 3), {"padding": "some"}),
    "same with stride": ((1, 3, 8, 8), (4, 3, 3, 3), {"padding": "same", "stride": 2}),
    "three strides": ((1, 3, 8, 8), (4, 3, 3, 3), {"stride": (1, 1, 1)}),
    "bias": ((1, 3, 8, 8), (4, 3, 3, 3), {"bias": torch.zeros(3)}),
    "a word for a stride": ((1, 3, 8, 8), (4, 3, 3, 3), {"stride": "two"}),
    "a fraction for a dilation": ((1, 3, 8, 8), (4, 3, 3, 3), {"dilation": 1.5}),
    "a number for a bias": ((1, 3, 8, 8), (4, 3, 3, 3), {"bias": 1.0}),
    "kernel too large when dilated": ((1, 3, 6, 6), (4, 3, 3, 3), {"dilation": 3}),
    "flat input": ((8, 8), (4, 3, 3, 3), {}),
    "flat weight": ((1, 3, 8, 8), (4, 3, 3), {}),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_torch_refuses_is_refused_before_any_light(case: str, stand_in: Any) -> None:
    input_shape, weight_shape, options = WRONG[case]
    input, weight = torch.randn(input_shape), torch.randn(weight_shape)
    with pytest.raises(Exception) as torchs:  # noqa: PT011
        functional.conv2d(input, weight, **options)
    with pytest.raises(torchs.type):
        optical_conv2d(input, weight, optics=stand_in, **options)
    assert stand_in.calls == 0


def test_refuses_types_modes_and_gradients_it_does_not_know(stand_in: Any) -> None:
    input, weight = torch.randn(1, 3, 8, 8), torch.randn(4, 3, 3, 3)
    with pytest.raises(TypeError, match="floating point"):
        optical_conv2d(input.long(), weight.long(), optics=stand_in)
    with pytest.raises(RuntimeError, match="should be the same"):
        optical_conv2d(input, weight.double(), optics=stand_in)
    with pytest.raises(ValueError, match="padding_mode"):
        optical_conv2d(input, weight, padding_mode="mirror", optics=stand_in)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="gradient"):
        optical_conv2d(input, weight, optics=stand_in, gradient="none")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="product"):
        optical_conv2d(input, weight, optics=stand_in, product="none")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="precision must be one of"):
        optical_conv2d(input[:0], weight, optics=stand_in, precision="bets")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="precision must be one of"):
        OpticalConv2d(3, 4, 3, optics=stand_in, precision="bets")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="device, a URI or None"):
        optical_conv2d(input, weight, optics=3)  # type: ignore[arg-type]
    assert stand_in.calls == 0


def test_numbers_may_be_tensors_as_torch_has_them(stand_in: Any) -> None:
    input, weight = torch.randn(1, 3, 8, 8), torch.randn(4, 3, 3, 3)
    options: dict[str, Any] = {"stride": torch.tensor(2), "padding": [torch.tensor(1), 0]}
    found = optical_conv2d(input, weight, optics=stand_in, **options)
    torch.testing.assert_close(found, functional.conv2d(input, weight, **options))


def test_shapes_are_known_on_the_meta_device(stand_in: Any) -> None:
    layer = OpticalConv2d(3, 4, 3, padding=1, stride=2, optics=stand_in, device="meta")
    assert layer(torch.empty(2, 3, 9, 8, device="meta")).shape == (2, 4, 5, 4)
    assert stand_in.calls == 0


def test_a_device_without_a_twin_says_so(stand_in: Any) -> None:
    layer = OpticalConv2d(3, 1, 3, optics=stand_in, gradient="twin")
    loss = layer(torch.randn(1, 3, 8, 8)).sum()
    with pytest.raises(RuntimeError, match="no twin gradients"):
        loss.backward()


def test_a_copy_shares_the_device_and_owns_its_weights(stand_in: Any) -> None:
    layer = OpticalConv2d(2, 2, 3, optics=stand_in)
    twin = copy.deepcopy(layer)
    assert twin.optics is stand_in
    assert twin.weight is not layer.weight


def test_a_pickled_layer_travels_without_its_device(stand_in: Any) -> None:
    layer = OpticalConv2d(2, 2, 3, optics=stand_in, precision="fast")
    travelled = pickle.loads(pickle.dumps(layer))
    assert torch.equal(travelled.weight, layer.weight)
    with pytest.raises(RuntimeError, match="stand-in"):
        travelled(torch.zeros(1, 2, 5, 5))
    travelled.optics = stand_in
    input = torch.randn(1, 2, 5, 5)
    assert torch.equal(travelled(input), layer(input))
    buffer = io.BytesIO()
    torch.save(OpticalConv2d(2, 2, 3), buffer)  # the default device: nothing to lose


def test_state_dict_device_and_dtype_are_torchs() -> None:
    layer = OpticalConv2d(2, 4, 3, device="meta", dtype=torch.float64)
    assert list(layer.state_dict()) == ["weight", "bias"]
    assert layer.weight.device.type == "meta"
    assert layer.weight.dtype == torch.float64
    assert "precision='balanced'" in repr(layer)
