"""What a page was made from: device, calibration, weights, pictures, program, commands."""

from __future__ import annotations

import hashlib
import json
import platform
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import metadata, resources
from pathlib import Path

import torch

from driver.calibration.store import checksum
from opticonv.report.measuring import Measured, WeightsTrial
from opticonv.report.photos import Chosen

__all__ = ["Facts", "commit", "facts_of"]

PACKAGES = (
    "opticonv", "torch", "numpy", "scipy", "scikit-image", "pillow", "matplotlib", "jinja2",
)  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """Facts of one kind: terms and what is said of them."""

    title: str
    entries: tuple[tuple[str, str], ...]


def facts_of(measured: Measured, chosen: Chosen, command: Sequence[str]) -> tuple[Facts, ...]:
    """Everything that the page rests on.

    Parameters
    ----------
    measured : Measured
    chosen : Chosen
    command : sequence of str
        What was typed, program and arguments.
    """
    compared = [measured.weights, *([] if measured.second is None else [measured.second])]
    made = {trial.name: trial for trial in (*compared, *measured.others)}
    return (
        Facts("Device", _device(measured)),
        Facts("Calibration", _calibration(measured)),
        *(Facts(f"Weights “{name}”", _weights(trial)) for name, trial in made.items()),
        Facts("Photographs", _photographs(chosen)),
        Facts("Program", _program()),
        Facts("Made", _made(command)),
    )


def _device(measured: Measured) -> tuple[tuple[str, str], ...]:
    info = measured.info
    seed = "as the URI says, else 0" if measured.seed is None else str(measured.seed)
    converters = (
        f"{info.dac_bits}-bit heater codes, {info.adc_bits}-bit camera counts"
        if info.dac_bits
        else "none: unquantised values cross the boundary"
    )
    return (
        ("URI", measured.uri),
        ("seed", seed),
        ("serial number", info.serial),
        ("profile", info.profile_name),
        ("profile's hash", info.profile_hash),
        ("grid", f"{info.grid[0]} × {info.grid[1]}, layout {info.layout}, {info.detection}"),
        ("converters", converters),
        ("precision", measured.precision),
        ("power while working", f"{info.power_w:g} W by its data sheet"),
    )


def _calibration(measured: Measured) -> tuple[tuple[str, str], ...]:
    calibration = measured.calibration
    if calibration is None:
        return (("calibration", "none: this device is what its data sheet says"),)
    figures = calibration.figures
    entries = [
        ("serial number", calibration.serial),
        ("device time at its end", f"{calibration.device_time_ns / 1e9:.3f} s"),
        ("SHA-256 of its content", checksum(calibration)),
    ]
    if "frames" in figures:
        entries.append(("frames", f"{figures['frames']:,.0f}"))
    if "residual" in figures:
        entries.append(("residual of the fit", f"{100 * figures['residual']:.2f} %"))
    return tuple(entries)


def _weights(trial: WeightsTrial) -> tuple[tuple[str, str], ...]:
    card = trial.card
    file = resources.files("nn") / "weights" / f"{trial.name}.safetensors"
    data = ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in card.data.items())
    return (
        ("what it is", card.title),
        ("parameters", f"{card.parameters:,}"),
        ("SHA-256 of the file", hashlib.sha256(file.read_bytes()).hexdigest()),
        ("trained by", card.command),
        ("on", data),
    )


def _photographs(chosen: Chosen) -> tuple[tuple[str, str], ...]:
    entries = [
        ("from", chosen.origin),
        ("prepared", "centre-cropped square, resized to 256²; input: pixels 4, 12, 20, … of it"),
    ]
    names = ", ".join(photo.name for photo in chosen.photos if photo.name not in chosen.digests)
    if names:
        entries.append(("names", names))
    entries += [(name, f"SHA-256 {digest}") for name, digest in chosen.digests.items()]
    entries += [(name, f"left out: {reason}") for name, reason in chosen.left_out.items()]
    return tuple(entries)


def _program() -> tuple[tuple[str, str], ...]:
    versions = [f"{name} {_version(name)}" for name in PACKAGES]
    return (
        ("commit", commit()),
        ("packages", ", ".join(versions)),
        ("Python", f"{platform.python_version()} ({platform.python_implementation()})"),
        ("host", f"{platform.system()} {platform.machine()}, torch on {torch.get_num_threads()} "
         "threads"),
    )  # fmt: skip


def _made(command: Sequence[str]) -> tuple[tuple[str, str], ...]:
    now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    program = Path(command[0]).name.replace("__main__.py", "opticonv")
    typed = shlex.join([program, *command[1:]])
    return (("when", now), ("command", typed))


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed as a package"


def commit() -> str:
    """Commit of the source tree that this program runs from, and whether it was changed since."""
    home = Path(__file__).resolve().parents[2]
    try:
        found = _git(home, "rev-parse", "HEAD")
        changed = _git(home, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return _installed_commit()
    return f"{found}, with changes" if changed else found


def _git(home: Path, *arguments: str) -> str:
    if not (home / ".git").exists():
        raise FileNotFoundError(home / ".git")
    done = subprocess.run(
        ["git", "-C", str(home), *arguments], capture_output=True, text=True, check=True, timeout=10
    )
    return done.stdout.strip()


def _installed_commit() -> str:
    """Of a package that pip installed from a repository (PEP 610)."""
    try:
        text = metadata.distribution("opticonv").read_text("direct_url.json")
    except metadata.PackageNotFoundError:
        text = None
    found = json.loads(text).get("vcs_info", {}).get("commit_id") if text else None
    return str(found) if found else "not known: this is no source tree under git"
