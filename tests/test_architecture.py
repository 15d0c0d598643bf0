"""The import rule, read off the syntax trees: `nn → driver → (csrc, optical_device)`, never back.

Walking the source catches what running it would miss: imports inside functions and branches.
"""

from __future__ import annotations

import ast
import importlib.metadata
import importlib.util
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

PACKAGES = ("optical_device", "driver", "nn", "opticonv")

#: What a package may import of ours, beside itself. `opticonv` is the face and imports everything.
MAY_IMPORT = {
    "optical_device": set(),
    "driver": set(),
    "nn": {"driver"},
    "opticonv": {"optical_device", "driver", "nn"},
}

#: Places in a package that may import more, each with its reason.
EXCEPTIONS = {
    ("driver", "backends"): ({"optical_device"}, "a backend fabricates the device it stands for"),
    ("driver", "calibration/twin.py"): (
        {"optical_device"},
        "the twin fit descends through the model's functions, which know no specimen",
    ),
    ("driver", "calibration/twin_chain.py"): (
        {"optical_device"},
        "gradients go through the model's functions, given calibrated values",
    ),
}


def _root_of(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    assert spec is not None, f"{package} is not installed"
    assert spec.origin is not None, f"{package} has no __init__.py"
    return Path(spec.origin).parent


def _imported_packages(tree: ast.AST) -> set[str]:
    """Top-level names of all absolute imports, `importlib.import_module("literal")` included."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names.add(node.module.partition(".")[0])
        elif isinstance(node, ast.Call) and node.args:
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            argument = node.args[0]
            if (
                name in ("import_module", "__import__")
                and isinstance(argument, ast.Constant)
                and isinstance(argument.value, str)
            ):
                names.add(argument.value.partition(".")[0])
    return names


def _forbidden_imports(package: str, root: Path) -> list[str]:
    found = []
    for path in sorted(root.rglob("*.py")):
        place = path.relative_to(root)
        allowed = MAY_IMPORT[package] | {package}
        more: set[str] = set()
        for (owner, where), (names, _) in EXCEPTIONS.items():
            if owner == package and place.as_posix().startswith(where):
                more |= names
        imported = _imported_packages(ast.parse(path.read_text(encoding="utf-8")))
        wrong = (imported & set(PACKAGES)) - allowed - more
        found += [f"{package}/{place} imports {name}" for name in sorted(wrong)]
    return found


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_go_one_way(package: str) -> None:
    assert _forbidden_imports(package, _root_of(package)) == []


@pytest.mark.parametrize(
    "source",
    [
        "import optical_device",
        "from optical_device.golden import GoldenDevice",
        "def f():\n    import optical_device.profile as p",
        "import importlib\nimportlib.import_module('optical_device.golden')",
    ],
)
def test_the_rule_sees_every_form_of_import(source: str, tmp_path: Path) -> None:
    (tmp_path / "device.py").write_text(source)
    (tmp_path / "backends").mkdir()
    (tmp_path / "backends" / "emulator.py").write_text(source)
    assert _forbidden_imports("driver", tmp_path) == ["driver/device.py imports optical_device"]


def test_every_exception_is_in_use() -> None:
    for (package, place), (names, reason) in EXCEPTIONS.items():
        path = _root_of(package) / place
        sources = [path] if path.is_file() else path.rglob("*.py")
        imported = set().union(*(_imported_packages(ast.parse(p.read_text())) for p in sources))
        assert names <= imported, f"{package}/{place} no longer needs to: {reason}"


@pytest.mark.parametrize("name", ["twin.py", "twin_chain.py"])
def test_the_twin_knows_no_specimen(name: str) -> None:
    """Of the emulator it takes functions of the physics, never what fabricates a device."""
    text = (_root_of("driver") / "calibration" / name).read_text()
    taken = {
        alias.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and node.module == "optical_device"
        for alias in node.names
    }
    assert taken == {"lens", "modulator", "thermal"}
    assert "optical_device." not in text


def test_names_are_ours_alone() -> None:
    """No other distribution or folder on the path provides a package of one of our names."""
    home = _root_of("driver").parent
    claimed = importlib.metadata.packages_distributions()
    for package in PACKAGES:
        assert _root_of(package).parent == home
        assert set(claimed.get(package, ["opticonv"])) == {"opticonv"}
        specs = (PathFinder.find_spec(package, [entry]) for entry in sys.path)
        origins = {Path(s.origin).resolve() for s in specs if s is not None and s.origin}
        assert origins == {(home / package / "__init__.py").resolve()}


@pytest.mark.parametrize("package", PACKAGES)
def test_type_checkers_are_served(package: str) -> None:
    assert (_root_of(package) / "py.typed").is_file()
