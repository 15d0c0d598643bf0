"""The operator in torch's machinery: its own checks, numeric gradients, `torch.func`, compilers."""

from __future__ import annotations

import gc
import pickle
from dataclasses import fields
from functools import partial
from typing import Any

import pytest
import torch
from torch.nn import functional

from driver import Device, open_device
from driver.plan import ConvolutionPlan
from driver.precision import PassOptions, Precision
from nn import OpticalConv2d, optical_conv2d
from nn.operator import _warn_of_transfer, convolution
from nn.optics import device_number
from nn.precisions import precision_of, word_for


def _arguments(device: Any, groups: int = 2) -> tuple[Any, ...]:
    torch.manual_seed(0)
    input = torch.randn(2, 4, 9, 8, requires_grad=True)
    weight = torch.randn(6, 4 // groups, 3, 3, requires_grad=True)
    options = ([1, 1], [1, 0], [1, 1], groups, "replicate", "balanced", "electronic", "exact")
    return input, weight, *options, device_number(device)


@pytest.mark.parametrize("channels_last", [False, True])
def test_passes_torchs_own_check_of_operators(channels_last: bool, ideal: Device) -> None:
    input, *rest = _arguments(ideal)
    if channels_last:
        input = input.detach().to(memory_format=torch.channels_last)
    results = torch.library.opcheck(torch.ops.opticonv.convolution, (input, *rest))
    assert set(results.values()) == {"SUCCESS"}


def test_tells_compilers_that_its_noise_is_seeded() -> None:
    tags = torch.ops.opticonv.convolution.default.tags
    assert torch.Tag.nondeterministic_seeded in tags


def test_takes_whole_numbers_for_devices() -> None:
    *_, device = torch.ops.opticonv.convolution.default._schema.arguments
    assert str(device.type) == "int"
    with pytest.raises(RuntimeError, match="no optical device number 123456"):
        torch.ops.opticonv.convolution(
            torch.zeros(1, 1, 3, 3), torch.zeros(1, 1, 1, 1),
            [1, 1], [0, 0], [1, 1], 1, "zeros", "fast", "electronic", "exact", 123456,
        )  # fmt: skip


@pytest.mark.parametrize("padding_mode", ["zeros", "reflect", "replicate", "circular"])
def test_numeric_gradients_on_the_ideal_device(padding_mode: Any, ideal: Device) -> None:
    torch.manual_seed(1)
    input = torch.randn(1, 4, 5, 6, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 2, 3, 3, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(2, dtype=torch.float64, requires_grad=True)

    def layer(input: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        return optical_conv2d(
            input, weight, bias, padding=1, stride=(1, 2), groups=2,
            padding_mode=padding_mode, optics=ideal,
        )  # fmt: skip

    # A convolution is bilinear, so wide central differences are exact: the float32 of the device,
    # 1e-5 of results of order 10, is divided by 0.2.
    assert torch.autograd.gradcheck(layer, (input, weight, bias), eps=0.1, atol=1e-3)


def test_the_bare_operator_has_a_gradient_too(stand_in: Any) -> None:
    input, weight, *rest = _arguments(stand_in)
    found = torch.autograd.grad(convolution(input, weight, *rest).square().sum(), (input, weight))
    padded = functional.pad(input, (0, 0, 1, 1), mode="replicate")
    exact = functional.conv2d(padded, weight, groups=2).square().sum()
    for mine, wanted in zip(found, torch.autograd.grad(exact, (input, weight)), strict=True):
        # Sums of up to 900 products of order 10 in float32, in another order.
        torch.testing.assert_close(mine, wanted, atol=1e-3, rtol=1e-5)


@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("in_dims", [(0, None), (None, 0), (0, 0), (1, 2)])
def test_vmap_of_values_and_gradients_takes_one_call(
    in_dims: tuple[Any, Any], groups: int, stand_in: Any
) -> None:
    torch.manual_seed(2)
    input, weight = torch.randn(3, 2, 4, 9, 8), torch.randn(3, 6, 4 // groups, 3, 3)
    input = input[0] if in_dims[0] is None else input.movedim(0, in_dims[0])
    weight = weight[0] if in_dims[1] is None else weight.movedim(0, in_dims[1])

    def optical(input: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return optical_conv2d(input, weight, padding=1, groups=groups, optics=stand_in)

    def electronic(input: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        return functional.conv2d(input, weight, padding=1, groups=groups)

    def bare(input: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        options = ([1, 1], [1, 1], [1, 1], groups, "zeros", "fast", "electronic", "exact")
        found: torch.Tensor = convolution(input, weight, *options, device_number(stand_in))
        return found

    def slope(of: Any) -> Any:
        return torch.func.grad(lambda x, w: of(x, w).square().sum(), argnums=(0, 1))

    wanted = torch.vmap(electronic, in_dims)(input, weight)
    for kind in (optical, bare):
        calls = stand_in.calls
        torch.testing.assert_close(torch.vmap(kind, in_dims)(input, weight), wanted)
        assert stand_in.calls == calls + 1
    found = torch.vmap(slope(optical), in_dims)(input, weight)
    exact = torch.vmap(slope(electronic), in_dims)(input, weight)
    # Sums of up to 150 products of order 50 in float32, in another order.
    torch.testing.assert_close(found, exact, atol=2e-3, rtol=1e-5)


def test_jacobians_and_hessians(stand_in: Any) -> None:
    input, weight = torch.randn(1, 1, 4, 4), torch.randn(1, 1, 2, 2)

    def cubed(convolve: Any, weight: torch.Tensor) -> torch.Tensor:
        value: torch.Tensor = convolve(input, weight).pow(3).sum()
        return value

    optical = partial(optical_conv2d, optics=stand_in)
    for jacobian in (torch.func.jacrev, torch.func.jacfwd):
        found = jacobian(lambda w: optical(input, w))(weight)
        torch.testing.assert_close(found, jacobian(lambda w: functional.conv2d(input, w))(weight))
    found = torch.func.hessian(partial(cubed, optical))(weight)
    wanted = torch.func.hessian(partial(cubed, functional.conv2d))(weight)
    # Sums of 9 terms of order 100 in float32, in another order.
    torch.testing.assert_close(found, wanted, atol=1e-3, rtol=1e-5)


@pytest.mark.parametrize("padding_mode", ["zeros", "circular"])
def test_forward_mode_is_exact_and_for_exact_gradients_alone(
    padding_mode: Any, stand_in: Any
) -> None:
    input, weight = torch.randn(2, 4, 6, 6), torch.randn(2, 2, 3, 3)
    tangents = torch.randn_like(input), torch.randn_like(weight)
    mode: dict[str, Any] = {"padding": 1, "stride": 2, "groups": 2, "padding_mode": padding_mode}
    layer = torch.nn.Conv2d(4, 2, 3, bias=False, **mode)

    def electronic(input: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = torch.func.functional_call(layer, {"weight": weight}, (input,))
        return found

    for which in ((0, 1), (0,), (1,)):
        of = tuple(t if i in which else torch.zeros_like(t) for i, t in enumerate(tangents))
        optical = partial(optical_conv2d, optics=stand_in, **mode)
        found = torch.func.jvp(optical, (input, weight), of)
        torch.testing.assert_close(found, torch.func.jvp(electronic, (input, weight), of))
    with pytest.raises(RuntimeError, match="backward alone"):
        torch.func.jvp(partial(optical, gradient="optical"), (input, weight), tangents)


@pytest.mark.parametrize("gradient", ["exact", "optical", "twin"])
@pytest.mark.parametrize("in_dims", [(0, None), (None, 0), (0, 0)])
def test_functional_gradients_of_every_kind(gradient: Any, in_dims: Any, ideal: Device) -> None:
    """Per-sample gradients too: one job for all, and no more light than that takes."""
    torch.manual_seed(3)
    input, weight = torch.randn(3, 1, 4, 7, 8), torch.randn(3, 6, 2, 3, 3)
    input = input[0] if in_dims[0] is None else input
    weight = weight[0] if in_dims[1] is None else weight

    def loss(of: Any, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
        value: torch.Tensor = of(x, w, padding=1, groups=2).square().sum()
        return value

    optical = partial(optical_conv2d, optics=ideal, gradient=gradient)
    for argnums in ((0, 1), (0,), (1,)):
        slopes = [
            torch.func.grad(partial(loss, of), argnums) for of in (optical, functional.conv2d)
        ]
        found, exact = (torch.vmap(slope, in_dims)(input, weight) for slope in slopes)
        for mine, wanted in zip(found, exact, strict=True):
            # The ideal device's bound, twice: of the output and of the gradient.
            assert float((mine - wanted).norm() / wanted.norm()) < 2e-5


def test_a_device_lives_until_the_backward_pass() -> None:
    weight = torch.randn(2, 1, 3, 3, requires_grad=True)
    device = open_device("emulator:ideal", device__n=16)
    output = optical_conv2d(torch.randn(1, 1, 8, 8), weight, optics=device, gradient="optical")
    del device
    gc.collect()
    output.sum().backward()
    assert weight.grad is not None


@pytest.mark.parametrize("gradient", ["optical", "twin"])
@pytest.mark.parametrize("wanted", [(True, True), (True, False), (False, True)])
def test_the_gradients_operator_passes_torchs_check_too(
    gradient: str, wanted: tuple[bool, bool], ideal: Device
) -> None:
    input, weight, *options, gradient_of, number = _arguments(ideal)
    output = torch.randn(2, 6, 9, 6)
    arguments = (output, input.detach(), weight.detach(), *options, gradient, *wanted, number)
    results = torch.library.opcheck(torch.ops.opticonv.convolution_gradients, arguments)
    assert set(results.values()) == {"SUCCESS"}
    assert gradient_of == "exact"


def test_a_precision_of_ones_own_reaches_the_device(ideal: Device) -> None:
    """Through the operator, whose arguments are words, compiled or pickled."""
    passes = PassOptions("averaged"), PassOptions("two_gain", residual=True)
    own = Precision("own: slow", *passes, pack=False, seams=False)
    assert len(fields(Precision)) == 5, "all of them are told"
    assert precision_of(word_for(own)) == own
    layer = OpticalConv2d(2, 3, 3, optics=ideal, precision=own)
    assert pickle.loads(pickle.dumps(layer)).precision == own
    input = torch.randn(1, 2, 20, 20)
    plan = ConvolutionPlan.for_shapes(tuple(input.shape), (3, 2, 3, 3), grid=ideal.n, precision=own)
    for run in (layer, torch.compile(layer, backend="aot_eager", fullgraph=True)):
        before = ideal.telemetry()
        with torch.no_grad():
            run(input)
        after = ideal.telemetry()
        assert after.frames - before.frames == plan.frames
        assert (
            after.exposures - before.exposures
            == plan.exposures - plan.reference_steps * plan.pilots
        )


def test_compiles_to_one_graph_with_changing_sizes(stand_in: Any) -> None:
    layer = OpticalConv2d(2, 3, 3, padding=1, optics=stand_in)
    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True, dynamic=True)
    for size in (5, 6, 9):
        input = torch.randn(2, 2, size, size + 1)
        assert torch.equal(compiled(input), layer(input))


@pytest.mark.parametrize("padding_mode", ["zeros", "replicate"])
def test_channels_last_is_kept(padding_mode: Any, ideal: Device) -> None:
    layer = OpticalConv2d(3, 4, 3, padding=1, padding_mode=padding_mode, optics=ideal)
    input = torch.randn(2, 3, 8, 9)
    plain = layer(input)
    turned = layer(input.to(memory_format=torch.channels_last))
    assert plain.is_contiguous()
    assert turned.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(turned, plain)
    layer.to(memory_format=torch.channels_last)
    assert layer(input).is_contiguous(memory_format=torch.channels_last)


def test_says_once_that_tensors_elsewhere_travel(recwarn: pytest.WarningsRecorder) -> None:
    _warn_of_transfer.cache_clear()
    for _ in range(2):
        _warn_of_transfer("cuda")
    (warning,) = recwarn.list
    assert "tensors on cuda are copied to the CPU" in str(warning.message)
    _warn_of_transfer.cache_clear()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_tensors_come_back_where_they_were(stand_in: Any) -> None:
    _warn_of_transfer.cache_clear()
    layer = OpticalConv2d(3, 4, 3, optics=stand_in, device="cuda")
    input = torch.randn(1, 3, 8, 8, device="cuda", requires_grad=True)
    with pytest.warns(UserWarning, match="cuda"):
        output = layer(input)
    assert output.device == input.device
    output.sum().backward()
    assert input.grad is not None
    # cuDNN may compute in TF32, of 10 bits.
    exact = functional.conv2d(input, layer.weight, layer.bias)
    torch.testing.assert_close(output, exact, atol=1e-2, rtol=1e-2)


def test_complex_pictures_and_kernels(stand_in: Any) -> None:
    input = torch.randn(2, 4, 7, 6, dtype=torch.complex64, requires_grad=True)
    weight = torch.randn(3, 4, 3, 3, dtype=torch.complex64, requires_grad=True)
    bias = torch.randn(3, dtype=torch.complex64)
    options: dict[str, Any] = {"padding": 1, "stride": 2}
    output = optical_conv2d(input, weight, bias, optics=stand_in, **options)
    exact = functional.conv2d(input, weight, bias, **options)
    torch.testing.assert_close(output, exact)
    assert stand_in.calls == 2
    unbatched = optical_conv2d(input[0], weight, bias, optics=stand_in, **options)
    torch.testing.assert_close(unbatched, exact[0])
    cotangent = torch.randn_like(exact)
    found = torch.autograd.grad(output, (input, weight), cotangent)
    torch.testing.assert_close(found, torch.autograd.grad(exact, (input, weight), cotangent))
