"""Damaged calibration files: each is refused in time, or says what it said.

HDF5 itself may loop or crash on a flipped bit, so files are read in processes of their own that
have a time limit; one that a reader dies of is a finding.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import driver
from driver import open_device
from driver.calibration import store
from driver.calibration.nominal import nominal_calibration

FILES = 400
LIMIT_S = 60.0

READER = """
import sys
from pathlib import Path
import numpy as np
from driver import open_device
from driver.calibration import store
from driver.errors import CalibrationError

folder = Path(sys.argv[1])
with open_device("emulator:lab", seed=3, device__n=11) as device:
    sound = store.load(folder / "sound.h5")
    for path in map(Path, sys.argv[2:]):
        print("reading", path.name, flush=True)
        try:
            found = store.load(path, device.info)
        except CalibrationError:
            continue
        # Taken: then no bit that counts was hit.
        assert found.serial == sound.serial
        assert np.array_equal(found.output_map, sound.output_map)
        device.load_calibration(found)
print("all read")
"""


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """A copy with some bits flipped, bytes overwritten, a piece cut out, or its end lost."""
    data = bytearray(content)
    # Half of the hits go where HDF5 keeps its own structures: the beginning.
    limit = len(data) if rng.random() < 0.5 else 4096
    for at in rng.integers(0, limit, rng.integers(1, 9)):
        data[at] = data[at] ^ (1 << rng.integers(8)) if rng.random() < 0.7 else rng.integers(256)
    if rng.random() < 0.1:
        del data[rng.integers(len(data)) :]
    elif rng.random() < 0.1:
        at = rng.integers(len(data))
        del data[at : at + rng.integers(1, 64)]
    return bytes(data)


def read(folder: Path, names: list[str]) -> str | None:
    """None, or the file that the reader died of or could not be done with in time."""
    command = [sys.executable, "-c", READER, str(folder), *(str(folder / n) for n in names)]
    home = Path(driver.__file__).parents[1]
    try:
        done = subprocess.run(
            command, cwd=home, capture_output=True, text=True, timeout=LIMIT_S, check=False
        )
    except subprocess.TimeoutExpired as late:
        said = (late.stdout or b"").decode()
        return f"no answer in time: {said.splitlines()[-1] if said else 'nothing read'}"
    if done.returncode == 0 and done.stdout.endswith("all read\n"):
        return None
    last = done.stdout.splitlines()[-1] if done.stdout else "nothing read"
    return f"status {done.returncode}: {last}: {done.stderr[-400:]}"


@pytest.mark.slow
def test_damaged_files_are_refused(tmp_path: Path) -> None:
    with open_device("emulator:lab", seed=3, device__n=11) as device:
        store.save(nominal_calibration(device.info), tmp_path / "sound.h5")
    content = (tmp_path / "sound.h5").read_bytes()
    rng = np.random.default_rng(20261124)
    names = [f"damaged{i}.h5" for i in range(FILES)]
    for name in names:
        (tmp_path / name).write_bytes(damaged(content, rng))
    step = FILES // 4
    findings = [read(tmp_path, names[i : i + step]) for i in range(0, FILES, step)]
    assert [finding for finding in findings if finding] == []
