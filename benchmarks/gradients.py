"""How close each kind of gradient is to the exact one, and what it takes.

Run it as ``python benchmarks/gradients.py [--seed 7] [--markdown]``.

Grey photographs of 126² and eight random 3×3 kernels as in ``precision.py``, padding 1.  The
output's gradient is white noise or structured: the output less itself shifted by a pixel.  Devices
calibrate themselves.  Cosines and errors are of the whole gradient against torch's in double
precision; frames and device time are the device's own counters, host seconds this machine's.  A
twin's gradient takes no light.  The last lines of each device are of the forward pass: its error
against the exact convolution, and against what the twin foretells.  Takes a few minutes, for the
twin.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from driver import Device, open_device
from driver.calibration.nominal import nominal_calibration
from driver.twin_gradients import twin_convolution
from opticonv.convolution_study import kernels, photographs

Array = NDArray[Any]

DEVICES = {
    "ideal": "emulator:ideal",
    "ideal, 4f": "emulator:ideal?device__layout=4f",
    "lab": "emulator:lab",
    "lab4f": "emulator:lab4f",
}
KINDS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("optical", {"pack": True}),
    ("optical", {"pack": False}),
    ("optical", {"pack": True, "product": "optical"}),
    ("optical", {"pack": False, "product": "optical"}),
    ("twin", {"pack": True}),
    ("twin", {"pack": False}),
    ("twin", {"pack": True, "product": "optical"}),
)
HEAD = ("device", "gradient", "options", "output's gradient", "input: cosine", "error",
        "kernels: cosine", "error", "frames", "device time", "host")  # fmt: skip


def exact_gradients(x: Array, w: Array, g: Array) -> list[Array]:
    """Torch's, in double precision."""
    picture, weight = (torch.from_numpy(a).double().requires_grad_() for a in (x, w))
    y = torch.nn.functional.conv2d(picture, weight, padding=1)
    return [d.numpy() for d in torch.autograd.grad(y, (picture, weight), torch.from_numpy(g))]


def exact_convolution(x: Array, w: Array) -> Array:
    pictures, weight = (torch.from_numpy(a).double() for a in (x, w))
    return torch.nn.functional.conv2d(pictures, weight, padding=1).numpy()


def cotangents(y: Array) -> dict[str, Array]:
    """Gradients of the output, float32 values in double precision."""
    noise = np.random.default_rng(0).standard_normal(y.shape)
    return {
        name: g.astype(np.float32).astype(float)
        for name, g in (("noise", noise), ("structured", y - np.roll(y, 1, -1)))
    }


def relative(found: Array, exact: Array) -> float:
    return float(np.linalg.norm(found - exact) / np.linalg.norm(exact))


def cosine(found: Array, exact: Array) -> float:
    return float(np.vdot(found, exact) / np.linalg.norm(found) / np.linalg.norm(exact))


def figure(value: float) -> str:
    """A cosine, with as many nines as it has, or an error of a few parts in ten million."""
    return f"{value:.5f}" if value > 0.5 else f"{value:.2%}" if value > 1e-4 else f"{value:.0e}"


def of_device(name: str, device: Device, x: Array, w: Array) -> Iterator[tuple[str, ...]]:
    """Cells of the table."""
    y = exact_convolution(x, w)
    one_pass = device.info.layout == "4f"
    for kind, options in KINDS:
        if one_pass and "product" in options:
            continue  # there the chip multiplies in any case
        words = ", ".join(
            ["packed" if options["pack"] else "alone", *["product"] * ("product" in options)]
        )
        # By light the kernels' gradient cannot be had on 4f.
        wanted = (True, not (one_pass and kind == "optical"))
        compute = {
            "optical": device.convolve2d_gradients,
            "twin": device.convolve2d_twin_gradients,
        }[kind]
        for of, g in cotangents(y).items():
            exact = exact_gradients(x, w, g)
            before, begin = device.telemetry(), time.perf_counter()
            found = compute(g.astype(np.float32), x, w, padding=1, wanted=wanted, **options)
            host = time.perf_counter() - begin
            after = device.telemetry()
            cells = [
                figure(measure(f.astype(float), e)) if f is not None else ""
                for f, e in zip(found, exact, strict=True)
                for measure in (cosine, relative)
            ]
            spent = after.device_time_s - before.device_time_s
            frames = str(after.frames - before.frames)
            yield name, kind, words, of, *cells, frames, f"{spent:.2f} s", f"{host:.2f} s"
    calibration = device.calibration or nominal_calibration(device.info)
    for pack in (True, False):
        seen = device.convolve2d(x, w, padding=1, pack=pack)
        foretold = twin_convolution(calibration, device.info, x, w, padding=1, pack=pack)
        errors = [figure(relative(seen, wanted)) for wanted in (y, foretold)]
        words = f"of exact {errors[0]}, of the twin {errors[1]}"
        yield name, "forward", "packed" if pack else "alone", words, *[""] * 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--pictures", type=int, default=2, help="how many photographs, up to four")
    parser.add_argument("--device", action="append", choices=DEVICES, help="default: all of them")
    parser.add_argument("--markdown", action="store_true")
    chosen = parser.parse_args()
    x, w = photographs()[: chosen.pictures], kernels()["random"]
    rows: list[tuple[str, ...]] = []
    for name in chosen.device or DEVICES:
        with open_device(DEVICES[name], seed=chosen.seed) as device:
            if not device.info.nominal_is_true:
                device.calibrate()
            rows += of_device(name, device, x, w)
    if chosen.markdown:
        for cells in (HEAD, ("---",) * len(HEAD), *rows):
            print("| " + " | ".join(cells) + " |")
        return
    table = Table(title=f"Gradients of 1 → 8 channels, 3×3, {chosen.pictures} × 126²")
    for column in HEAD:
        table.add_column(column)
    for cells in rows:
        table.add_row(*cells)
    Console(width=160).print(table)


if __name__ == "__main__":
    main()
