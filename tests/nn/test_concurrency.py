"""Layers under distributed training, data-loader workers and threads."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from driver import Device, open_device
from driver.errors import ForkedDeviceError
from nn import OpticalConv2d, optical_conv2d
from nn.optics import device_number

ROOT = Path(__file__).parents[2]

RANK = """
import os, torch, torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from nn import OpticalConv2d

torch.set_num_threads(1)
dist.init_process_group("gloo")
rank = dist.get_rank()
torch.manual_seed(0)
wanted = torch.nn.Conv2d(2, 3, 3, padding=1)
layer = OpticalConv2d(2, 3, 3, padding=1, optics=f"emulator:ideal?device__n=32&seed={rank}")
model = DistributedDataParallel(layer)
optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
torch.manual_seed(rank)
for step in range(5):
    input = torch.rand(2, 2, 12, 12)
    loss = torch.nn.functional.mse_loss(model(input), wanted(input).detach())
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
weights = [torch.empty_like(layer.weight) for _ in range(2)]
dist.all_gather(weights, layer.weight.detach())
assert torch.equal(*weights), "the ranks' weights parted"
serials = [None, None]
dist.all_gather_object(serials, layer.optics.info.serial)
assert len(set(serials)) == 2, "the ranks share a device"
assert layer.optics.telemetry().frames > 0
print("rank", rank, "done")
dist.destroy_process_group()
"""


@pytest.mark.slow
def test_two_ranks_train_one_model_each_on_its_own_device(tmp_path: Path) -> None:
    script = tmp_path / "rank.py"
    script.write_text(RANK)
    done = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
            str(script),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("done") == 2


class Blurred(Dataset[torch.Tensor]):
    """Pictures that a worker blurs on a device of its own."""

    def __init__(self, optics: Any) -> None:
        self.layer = OpticalConv2d(1, 1, 3, padding=1, bias=False, optics=optics)
        torch.nn.init.constant_(self.layer.weight, 1 / 9)

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> torch.Tensor:
        with torch.no_grad():
            blurred: torch.Tensor = self.layer(torch.full((1, 8, 8), float(index)))
        return blurred


def test_workers_of_a_data_loader_open_devices_of_their_own() -> None:
    pictures = Blurred("emulator:ideal?device__n=16")
    parent = pictures.layer.optics
    assert isinstance(parent, Device)
    pictures[1]  # the device has worked before the fork
    before = parent.telemetry().frames
    (batch,) = DataLoader(pictures, batch_size=4, num_workers=1)
    wanted = torch.stack([pictures[i] for i in range(4)])
    torch.testing.assert_close(batch, wanted)
    assert parent.telemetry().frames > before, "the parent's device still works"


def test_a_worker_does_not_use_its_parents_device() -> None:
    with open_device("emulator:ideal", device__n=16) as device:
        loader = DataLoader(Blurred(device), num_workers=1)
        with pytest.raises(ForkedDeviceError):
            list(loader)


def test_threads_share_a_device_and_its_layers(ideal: Device) -> None:
    torch.manual_seed(0)
    inputs = [torch.randn(1, 2, 20 + i, 20, requires_grad=True) for i in range(6)]
    weight = torch.randn(3, 2, 3, 3)
    failures: list[BaseException] = []

    def work(input: torch.Tensor) -> None:
        try:
            for _ in range(3):
                output = optical_conv2d(input, weight, optics=ideal)
                exact = functional.conv2d(input, weight).detach()
                # The acceptance bound of the ideal device.
                assert float((output.detach() - exact).norm() / exact.norm()) < 1e-5
                torch.autograd.grad(output.sum(), input)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(input,)) for input in inputs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_threads_number_a_device_once(stand_in: Any) -> None:
    devices = [type(stand_in)() for _ in range(50)]
    numbers: list[list[int]] = []
    start = threading.Barrier(4)

    def work() -> None:
        start.wait()
        numbers.append([device_number(device) for device in devices])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(tuple, numbers))) == 1
    assert len(set(numbers[0])) == 50
