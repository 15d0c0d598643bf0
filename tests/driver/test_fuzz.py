"""That the fuzz targets build, run, and find what is hidden; ``make fuzz`` runs them for long."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from c_build import SOURCE, build_c, run

TARGETS = sorted(path.stem for path in SOURCE.glob("fuzz/fuzz_*.c"))


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz")
    options = ("FUZZ=ON", "BASELINE=ON", "TESTS=OFF", "OPENMP=OFF", "SANITIZE=address,undefined")
    return build_c(folder, *(f"-DODEV_{option}" for option in options))


@pytest.mark.slow
@pytest.mark.parametrize(
    "target", [name for name in TARGETS if name not in ("fuzz_main", "fuzz_afl", "fuzz_canary")]
)
def test_targets_run(build: Path, target: str) -> None:
    told = run(str(build / target), "-runs=3000")
    assert "3000 executions" in told
    # Coverage guides: inputs that reach new code are kept, and mutated further.
    assert int(told.split(" inputs kept")[0].split()[-1]) > 3


@pytest.mark.slow
def test_the_canary_is_found_and_its_input_kept(build: Path, tmp_path: Path) -> None:
    """Four bytes right at once: 4e9 blind tries, or some thousand that are guided by coverage."""
    done = subprocess.run(
        [str(build / "fuzz_canary"), "-runs=1000000"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode != 0
    found = tmp_path / "crash-fuzz_canary"
    assert found.read_bytes().startswith(b"FUZZ")
    again = subprocess.run(
        [str(build / "fuzz_canary"), str(found)], cwd=tmp_path, capture_output=True, check=False
    )
    assert again.returncode != 0
    found.write_bytes(b"FUZ")
    assert "all well" in run(str(build / "fuzz_canary"), str(found))
