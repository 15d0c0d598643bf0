"""Counts of the well-known networks: torch's own flop counter, and the published figures."""

from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from driver.gradient_plan import GradientPlan
from driver.spectral_macs import CONVENTIONS
from opticonv.counting import NetworkCount, count_network
from opticonv.networks import BUILT_IN

# Convolutions at 224², MACs of a matrix product, with linear layers, and spectral in G (4 real MACs
# per complex product, conjugate symmetry), as they are known.
FIGURES = {
    "alexnet": (655_566_528, 714_188_480, "0.159"),
    "vgg16": (15_346_630_656, 15_470_264_320, "3.943"),
    "resnet18": (1_813_561_344, 1_814_073_344, "0.846"),
    "resnet34": (3_663_249_408, 3_663_761_408, "1.425"),
    "resnet50": (4_087_136_256, 4_089_184_256, "7.529"),
    "resnet34-7x7": (19_334_217_728, 19_334_729_728, "2.035"),
    "sr": (29_798_400, 29_798_400, "0.009"),
}
RATIOS = {
    "alexnet": 4.13, "vgg16": 3.89, "resnet18": 2.14, "resnet34": 2.57, "resnet50": 0.54,
    "resnet34-7x7": 9.50,
}  # fmt: skip


def _count(name: str, **options: object) -> NetworkCount:
    return count_network(BUILT_IN[name], grid=64, batch=1, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", FIGURES)
def test_published_figures(name: str) -> None:
    gemm, with_linear, spectral = FIGURES[name]
    count = _count(name)
    assert count.gemm == gemm
    assert count.gemm + count.other_macs == with_linear
    assert f"{count.spectral / 1e9:.3f}" == spectral
    if name in RATIOS:
        assert f"{count.gemm / count.spectral:.2f}" == f"{RATIOS[name]:.2f}"


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", BUILT_IN)
def test_gemm_counts_are_torchs(name: str, training: bool) -> None:
    network = BUILT_IN[name]
    count = count_network(network, grid=64, batch=2, training=training)
    module = network.on_meta()
    with FlopCounterMode(display=False) as counter:
        output = module(torch.empty(2, *network.picture, device="meta"))
        if training:
            output.sum().backward()
    assert 2 * 2 * (count.gemm + count.other_macs) == counter.get_total_flops()


def test_conventions_differ_as_their_names_say() -> None:
    counts = {name: _count("vgg16", convention=c).spectral for name, c in CONVENTIONS.items()}
    assert counts["3-real"] * 4 == counts["4-real"] * 3
    assert counts["complex"] * 4 == counts["4-real"]
    # 226² and the other sizes of VGG: n columns against n // 2 + 1.
    assert 1.7 < counts["4-real-full"] / counts["4-real"] < 2
    assert counts["complex"] < counts["4-real-full"] / 7


def test_the_better_of_both_is_no_worse_than_either_and_tiles_cost_more() -> None:
    count = _count("resnet50")
    assert count.best < min(count.gemm, count.spectral)
    assert count.tiled > count.spectral
    assert count.best <= count.best_tiled <= min(count.gemm, count.tiled)
    assert count.best_electronic <= min(count.gemm, count.electronic)
    assert count.electronic > count.tiled
    assert count.tiled == sum(layer.plan.macs.spectral for layer in count.layers)


def test_a_batch_shares_tiles() -> None:
    alone = _count("resnet18")
    together = count_network(BUILT_IN["resnet18"], grid=64, batch=128)
    assert together.gemm == alone.gemm
    assert together.spectral == alone.spectral
    # Pictures of 7² and 14² fill a tile of 64² by the dozen.
    assert together.tiled < alone.tiled / 2


def test_training_counts_what_gradients_by_light_take() -> None:
    """Encoding and decoding of their frames too; the first layer's input needs none."""
    forward, training = (
        count_network(BUILT_IN["sr"], grid=64, batch=4, training=training)
        for training in (False, True)
    )
    wanted = [layer.wanted for layer in training.layers]
    assert wanted[0] == (False, True)
    assert set(wanted[1:]) == {(True, True)}
    by_hand = sum(
        layer.plan.macs.electronic
        + layer.plan.macs.kernels
        + GradientPlan(layer.plan, layer.wanted).electronic_macs
        for layer in training.layers
    )
    assert training.electronic == pytest.approx(by_hand / 4)
    # Both gradients take three passes of frames where the convolution takes two, or fewer without
    # halos, which gradients always carry.
    carried = sum(layer.plan.with_halos.macs.electronic for layer in forward.layers) / 4
    assert forward.electronic < carried
    assert 2 * forward.electronic < training.electronic < 3 * carried
    assert training.best_electronic <= min(training.gemm, training.electronic)
