"""What Python sees of the C headers: their declarations, as cffi reads them.

    python declarations.py OUTPUT PRELUDE CALLBACKS INCLUDE_FOLDER...

Follows the includes of the prelude, and takes out what is for compilers alone: comments,
conditions, attributes, macros that are no number.  The callbacks are declarations of cffi's own,
and come last.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)
COMMENT = re.compile(r"/\*.*?\*/", re.S)
NUMBER = re.compile(r"^#define (\w+) (\d+)u?$", re.M)
DIRECTIVE = re.compile(r"^#(?!define \w+ \d+$).*?(?<!\\)$\n?", re.M | re.S)
LINKAGE = re.compile(r'^#ifdef __cplusplus\n(?:extern "C" \{|\})\n#endif$', re.M)


def headers(header: Path, folders: list[Path], seen: set[Path]) -> Iterator[Path]:
    """A header after all that it includes, each once; of ours, not the system's."""
    if header in seen:
        return
    seen.add(header)
    for name in INCLUDE.findall(header.read_text(encoding="utf-8")):
        found = next(path for folder in folders if (path := folder / name).is_file())
        yield from headers(found, folders, seen)
    yield header


def declarations(header: Path) -> str:
    """What a header declares, without what cffi can't read."""
    text = COMMENT.sub("", header.read_text(encoding="utf-8"))
    text = NUMBER.sub(r"#define \1 \2", LINKAGE.sub("", text))
    text = DIRECTIVE.sub("", text).replace("ODEV_API ", "")
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join([f"/* {header.name} */", *lines])


def main() -> None:
    """Write the declarations of everything that the prelude includes."""
    output, prelude, callbacks, *folders = map(Path, sys.argv[1:])
    parts = [*map(declarations, headers(prelude, folders, set())), callbacks.read_text("utf-8")]
    output.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
