"""The driver beside torch: its tensors, and the OpenMP library that both share."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from driver import Device
from driver.arrays import from_caller
from driver.errors import DTypeError

SEED = 7
N = 16

Opener = Callable[..., Device]
Targets = Callable[..., NDArray[np.complex64]]
Unexposed = Callable[[Device], contextlib.AbstractContextManager[None]]


def test_torch_goes_in_and_comes_out(calibrated: Opener, targets: Targets) -> None:
    x = targets(2, N, N)
    results = []
    for convert in (np.asarray, torch.from_numpy):
        with calibrated("emulator:lab", seed=SEED, device__n=N) as device:
            y = device.transform(convert(x))
            encoded = device.encode(convert(x))
            counts = device.expose(convert(np.asarray(encoded.codes)))
            results.append((y, counts, device.decode(counts, encoded)))
    assert all(isinstance(array, np.ndarray) for array in results[0])
    assert all(isinstance(array, torch.Tensor) for array in results[1])
    for plain, tensor in zip(*results, strict=True):
        assert np.array_equal(plain, tensor.numpy())


def test_what_was_encoded_from_torch_is_decoded_to_torch(lab: Device, targets: Targets) -> None:
    """Though codes and counts between are NumPy's; and the other way round."""
    x = targets(2, N, N)
    encoded = lab.encode(torch.from_numpy(x))
    assert isinstance(encoded.codes, np.ndarray)
    counts = lab.expose(encoded.codes)
    assert isinstance(counts, np.ndarray)
    y = lab.decode(counts, encoded)
    assert isinstance(y, torch.Tensor)
    plain = lab.decode(torch.from_numpy(counts), lab.encode(x))
    assert isinstance(plain, np.ndarray)
    assert np.array_equal(plain, y.numpy())


def test_torch_tensors_of_every_kind(
    ideal: Device, targets: Targets, no_frame_exposed: Unexposed
) -> None:
    x = torch.from_numpy(targets(2, N, N))
    wanted = ideal.transform(x)
    assert torch.equal(ideal.transform(x.requires_grad_()), wanted)
    conjugate = x.detach().conj()
    assert torch.equal(ideal.transform(conjugate), ideal.transform(conjugate.resolve_conj()))
    swapped = x.detach().mT
    assert torch.equal(ideal.transform(swapped), ideal.transform(swapped.contiguous()))
    for refused in (
        torch.ones(N, N, dtype=torch.bfloat16),
        torch.ones(N, N).to_sparse(),
        torch.ones(N, N, device="meta"),
    ):
        with no_frame_exposed(ideal), pytest.raises(DTypeError):
            ideal.transform(refused)


def test_torch_goes_in_without_a_copy() -> None:
    x = torch.ones(3, 4)
    array, restore = from_caller(x, "x")
    x[1, 2] = 7
    assert array[1, 2] == 7
    back = restore(array)
    assert isinstance(back, torch.Tensor)
    assert back.data_ptr() == x.data_ptr()


@pytest.mark.parametrize("first", ["", "driver.open_device('emulator:lab', device__n=32).close()"])
def test_a_fork_after_torch_used_openmp(run_python: Callable[[str], None], first: str) -> None:
    """torch's OpenMP is ours where both find one library: a child must not use its dead pool."""
    run_python(
        "import os, signal, numpy as np, torch, driver\n"
        f"{first}\n"
        "torch.set_num_threads(2)\n"
        "torch.relu(torch.ones(2000, 2000)).sum()\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    signal.alarm(30)\n"
        "    with driver.open_device('emulator:lab', device__n=32, threads=2) as device:\n"
        "        device.expose(np.zeros((40, 2, 2, 32, 32), np.uint16))\n"
        "    os._exit(0)\n"
        "assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0\n"
    )
