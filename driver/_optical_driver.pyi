# The cffi extension built from csrc/ffi/: its names are those of the C headers.
from typing import Any

ffi: Any
lib: Any
