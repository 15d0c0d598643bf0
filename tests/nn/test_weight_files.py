from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from nn import SuperResolutionModel, build_network, load_weights, save_weights
from nn.networks import parse_network_config
from nn.networks.residual import ResidualModel

SMALL = parse_network_config({"form": "residual", "channels": 4, "blocks": 1})


@pytest.mark.parametrize(
    # float16 rounds to a relative 2^-11.
    ("dtype", "tolerance"),
    [(torch.float32, 0.0), (torch.float16, 2.0**-11)],
)
def test_a_file_says_which_network_it_holds(
    tmp_path: Path, dtype: torch.dtype, tolerance: float
) -> None:
    model = build_network(SMALL)
    save_weights(tmp_path / "w.safetensors", model, SMALL, dtype=dtype)
    loaded = load_weights(tmp_path / "w.safetensors")
    assert isinstance(loaded, ResidualModel)
    assert not loaded.training
    for name, tensor in loaded.state_dict().items():
        assert tensor.dtype == torch.float32
        # 2^-24 is the least step of float16's small numbers.
        torch.testing.assert_close(tensor, model.state_dict()[name], rtol=tolerance, atol=2.0**-24)
    assert [entry.name for entry in tmp_path.iterdir()] == ["w.safetensors"]


def test_a_file_without_a_name_is_the_originals(tmp_path: Path) -> None:
    model = SuperResolutionModel()
    save_file(model.state_dict(), tmp_path / "w.safetensors")
    assert isinstance(load_weights(tmp_path / "w.safetensors"), SuperResolutionModel)


def test_loads_onto_a_device(tmp_path: Path, stand_in: Any) -> None:
    save_weights(tmp_path / "w.safetensors", build_network(SMALL), SMALL)
    loaded = load_weights(tmp_path / "w.safetensors", optical=True, optics=stand_in)
    loaded(torch.rand(1, 3, 5, 5))
    assert stand_in.calls == 5


def _without(tensors: dict[str, torch.Tensor]) -> None:
    del tensors["tail.bias"]


def _with_another(tensors: dict[str, torch.Tensor]) -> None:
    tensors["nose"] = torch.zeros(1)


def _reshaped(tensors: dict[str, torch.Tensor]) -> None:
    tensors["tail.bias"] = torch.zeros(7)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (_without, "tail.bias is missing"),
        (_with_another, "nose does not"),
        (_reshaped, r"tail.bias has shape \(7,\), not \(192,\)"),
    ],
)
def test_refuses_tensors_of_another_network(tmp_path: Path, damage: Any, named: str) -> None:
    path = tmp_path / "w.safetensors"
    save_weights(path, build_network(SMALL), SMALL)
    tensors = load_file(path)
    damage(tensors)
    save_file(tensors, path, {"network": SMALL.model_dump_json()})
    with pytest.raises(ValueError, match=named):
        load_weights(path)


@pytest.mark.parametrize("metadata", ["{", json.dumps({"form": "none"}), "[1]"])
def test_refuses_a_wrong_configuration(tmp_path: Path, metadata: str) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "w.safetensors", {"network": metadata})
    with pytest.raises(ValueError, match=r"w\.safetensors"):
        load_weights(tmp_path / "w.safetensors")


def test_refuses_what_is_no_weights_file(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").write_bytes(b"weights" * 10)
    with pytest.raises(ValueError, match="not a safetensors file"):
        load_weights(tmp_path / "w.safetensors")
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors"):
        load_weights(tmp_path / "none.safetensors")
