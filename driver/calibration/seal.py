"""The seal of a calibration file: a digest of all its bytes, read before HDF5 is.

HDF5 may loop for ever on a file with one bit flipped.  Its format leaves a block at a file's
beginning to the user; there the SHA-256 of all that follows is written, as text.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from driver.errors import CalibrationError

__all__ = ["BLOCK_BYTES", "check_seal", "write_seal"]

BLOCK_BYTES = 512
"""Size of HDF5's user block: ``h5py.File(userblock_size=)``."""

_MAGIC = b"opticonv calibration, sha256 "


def write_seal(path: Path) -> None:
    """Seal a file whose user block is free."""
    with path.open("r+b") as file:
        file.seek(BLOCK_BYTES)
        digest = hashlib.sha256(file.read()).hexdigest().encode()
        file.seek(0)
        file.write((_MAGIC + digest + b"\n").ljust(BLOCK_BYTES, b"\0"))


def check_seal(path: Path) -> None:
    """Check that a file is whole.

    Raises
    ------
    CalibrationError
        It's another kind of file, or damaged.
    OSError
        It cannot be read.
    """
    with path.open("rb") as file:
        block, content = file.read(BLOCK_BYTES), file.read()
    if not block.startswith(_MAGIC):
        raise CalibrationError(f"{path} is not a calibration file: it has no seal")
    digest = hashlib.sha256(content).hexdigest().encode()
    if block != (_MAGIC + digest + b"\n").ljust(BLOCK_BYTES, b"\0"):
        raise CalibrationError(f"{path} is corrupt: its checksum does not match its content")
