# make demo     set up, then the whole system on sample photographs (PHOTOS="a.jpg b.png" adds yours)
# make test     set up, then ruff, mypy and the whole test suite
# make lint | format | bench | sanitize | fuzz | clean
#
# A machine needs Python 3.10 or newer, GCC and a network; PYTHON=python3.12 picks another
# interpreter. The set-up is done once and again only after pyproject.toml, constraints.txt or C
# sources change.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check
PHOTOS ?=
PICTURES ?=

READY    := $(VENV)/.ready
DEPS     := $(VENV)/.deps
C_FILES  := $(shell find csrc -name CMakeFiles -prune -o \
              \( -name '*.c' -o -name '*.h' -o -name '*.py' -o -name CMakeLists.txt \) -print | \
              grep -v '^csrc/_optical_driver\.')

.PHONY: demo test lint format bench bench-save bench-compare sanitize fuzz clean setup
.DELETE_ON_ERROR:

setup: $(READY)

demo: $(READY)
	$(BIN)/opticonv demo $(PHOTOS)

test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal --benchmark-disable \
	    --hypothesis-profile=ci

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The programs in benchmarks/ that need no pictures, or PROGRAMS="frame layer"; each one's output stays
# in build/bench/. One that misses an aim, or fails, stops none of the others, but fails the whole.
# PICTURES="folder ..." adds those on test pictures.
PROGRAMS ?= frame layer stages job_queue enlarging_size upscale_memory options precision \
    precision_plots drift calibration
SETS = $(foreach folder,$(PICTURES),--set $(notdir $(folder))=$(folder))

bench: $(READY)
	@rm -rf build/bench && mkdir -p build/bench
	$(foreach program,$(PROGRAMS),$(call kept,$(program),benchmarks/$(program).py \
	    $(if $(filter drift precision_plots,$(program)),--out build/bench)))
	$(if $(PICTURES),$(call kept,evaluate,-m opticonv evaluate $(SETS)))
	$(if $(PICTURES),$(call kept,degradation,benchmarks/degradation.py $(SETS) --out build/bench))
	$(if $(PICTURES),$(call kept,dots,benchmarks/dots.py $(firstword $(PICTURES))))
	@! test -s build/bench/missed || { echo "missed an aim, or failed:" >&2; \
	    cat build/bench/missed >&2; exit 1; }

define kept
@echo "== $(1)"; { $(BIN)/python $(2) || echo "$(1)" >> build/bench/missed; } | tee build/bench/$(1).txt

endef

# The suite of pytest-benchmark: every run is kept as JSON in .benchmarks/, named after the commit.
# bench-compare sets the last two side by side, or RUNS="0001 0007"; FAIL=median:10% makes bench-save
# fail where something got slower than in the run before by that.
SUITE := $(BIN)/python -m pytest benchmarks/suite --benchmark-only \
    -o python_files='bench_*.py' -o python_functions='bench_*'
LAST  = $(shell ls -t .benchmarks/*/*.json 2>/dev/null | head -n 2 | tac)

bench-save: $(READY)
	$(SUITE) --benchmark-save=$$(git rev-parse --short HEAD 2>/dev/null || echo run) \
	    --benchmark-group-by=group --benchmark-columns=min,median,iqr,rounds \
	    $(if $(FAIL),--benchmark-compare --benchmark-compare-fail=$(FAIL))

bench-compare: $(READY)
	$(BIN)/pytest-benchmark compare $(or $(RUNS),$(LAST)) \
	    --group-by=group,fullname --columns=min,median,iqr

# Builds beside the normal one. The first runs every test module that needs no torch under
# AddressSanitizer and UBSan, the second the C tests with the search for leaks, the third the C tests
# under ThreadSanitizer, without OpenMP, whose runtime it cannot see into. Each must also find the
# fault that is planted for it: csrc/testing/canary.c.
ASAN_ENV   := build/asan/env
ASAN_TESTS := $(shell find tests/driver tests/physics tests/optical_device -name 'test_*.py' -exec \
                grep -LE '^ *(import|from) (torch|nn|lightning|opticonv)' {} +)

# The interpreter is not instrumented, so the sanitizer's runtime has to be there before it, and the
# C++ library with it, for those packages that throw exceptions.
RUNTIME = $(foreach lib,libasan.so libstdc++.so.6,$(shell $${CC:-cc} -print-file-name=$(lib)))

C_TESTS := $(BIN)/cmake -S csrc -G Ninja -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN))/ninja \
    -DODEV_PYTHON=OFF -DODEV_TESTS=ON

# An editable install has a hook in its site-packages that would import the normal build, whatever PYTHONPATH
# says.  So this one has an environment of its own, which sees the other packages as a mere path: hooks
# are started from an environment's own site-packages alone.
sanitize: $(READY)
	$(BIN)/python -m venv --clear --without-pip $(ASAN_ENV)
	set -e; site=$$($(ASAN_ENV)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))'); \
	$(BIN)/python -c 'import sys; print(*(p for p in sys.path if p.endswith("-packages")), sep="\n")' \
	    > $$site/others.pth; \
	$(PIP) install --quiet --no-build-isolation --no-deps --target $$site \
	    --config-settings=cmake.define.ODEV_SANITIZE=address,undefined \
	    --config-settings=build-dir=build/asan/cmake .
	LD_PRELOAD="$(RUNTIME)" ASAN_OPTIONS=detect_leaks=0 ODEV_EXPECT_SANITIZERS=1 OMP_NUM_THREADS=2 \
	    $(ASAN_ENV)/bin/python $(BIN)/pytest -m 'not slow' --benchmark-disable $(ASAN_TESTS)
	$(C_TESTS) -B build/asan/c -DODEV_SANITIZE=address,undefined
	$(BIN)/cmake --build build/asan/c
	$(BIN)/ctest --test-dir build/asan/c --output-on-failure
	$(C_TESTS) -B build/tsan -DODEV_SANITIZE=thread -DODEV_OPENMP=OFF
	$(BIN)/cmake --build build/tsan
	$(BIN)/ctest --test-dir build/tsan --output-on-failure

# Each target for RUNS executions, under AddressSanitizer and UBSan: by AFL++ where it is installed, else
# (or with AFL= on the command line) by the driver of csrc/fuzz/fuzz_main.c. What one dies on is left in
# build/fuzz.
fuzz: RUNS ?= 1000000
AFL  := $(shell command -v afl-fuzz)
FUZZED := uri params calibration job
export AFL_NO_UI := 1
export AFL_SKIP_CPUFREQ := 1
export AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES := 1

fuzz: $(READY)
	$(C_TESTS) -B build/fuzz -DODEV_TESTS=OFF -DODEV_FUZZ=ON -DODEV_OPENMP=OFF \
	    -DODEV_SANITIZE=address,undefined
	$(BIN)/cmake --build build/fuzz
	$(if $(AFL),$(foreach target,$(FUZZED),$(call afl,$(target))),\
	    $(foreach target,$(FUZZED),$(call own,$(target))))

# The time limit is for a machine that has other work; the statistics say what was reached.
define afl
set -e; cd build/fuzz && rm -rf afl/$(1) && mkdir -p afl/seeds && printf 'null:8?n=2' > afl/seeds/text && \
    head -c 512 /dev/zero > afl/seeds/zeros && ASAN_OPTIONS=abort_on_error=1:symbolize=0:detect_leaks=0 \
    $(AFL) -i afl/seeds -o afl/$(1) $(call dictionary,$(1),-x ) -E $(RUNS) -m none -t 20000 \
    -- ./afl_$(1) > afl/$(1).log && \
    grep -E 'execs_done|edges_found|corpus_found|saved_|run_time' afl/$(1)/default/fuzzer_stats && \
    test -z "$$(find afl/$(1)/default/crashes afl/$(1)/default/hangs -name 'id:*')"

endef

define own
cd build/fuzz && ./fuzz_$(1) -runs=$(RUNS) $(call dictionary,$(1),-dict=)

endef

dictionary = $(if $(wildcard csrc/fuzz/$(1).dict),$(2)$(abspath csrc/fuzz/$(1).dict))

clean:
	rm -rf $(VENV) build dist demo .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks
	rm -rf csrc/CMakeFiles csrc/CMakeCache.txt csrc/CMakeInit.txt csrc/cmake_install.cmake \
	    csrc/.cmake csrc/.ninja_deps csrc/.ninja_log csrc/.skbuild-info.json csrc/build.ninja \
	    csrc/Makefile csrc/Testing csrc/*.a csrc/_optical_driver.c csrc/_optical_driver.cdef.h csrc/install_manifest*.txt
	rm -f driver/_optical_driver*.so
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 10) else \
	    "opticonv needs Python 3.10 or newer, not " + sys.version.split()[0] + "; set PYTHON=")'
	@command -v $${CC:-cc} >/dev/null || { echo "opticonv needs GCC (cc, or CC=)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# Everything but our own code; the C build of an editable install lands in csrc/ and driver/.
$(DEPS): $(VENV)/.created pyproject.toml constraints.txt
	$(PIP) install --quiet -c constraints.txt torch
	$(PIP) install --quiet -c constraints.txt 'scikit-build-core>=0.11' 'cffi>=2.1' \
	    'cmake>=3.26' ninja
	$(PIP) install --quiet -c constraints.txt --no-build-isolation --editable '.[dev]'
	@touch $@

$(READY): $(DEPS) $(C_FILES)
	$(BIN)/cmake --build csrc
	@touch $@
