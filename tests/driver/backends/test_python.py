"""Backends written in Python: whatever they do wrong is an error, and none crashes."""

from __future__ import annotations

import gc
import threading
import warnings
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from driver import causes, open_device
from driver.backends import Backend, Block, Reading, plain_info, python
from driver.errors import (
    BackendError,
    CalibrationError,
    ClosedDeviceError,
    DriverError,
    DTypeError,
    FrameLostError,
    InterlockError,
    OverTemperatureError,
    ShapeError,
    UnknownDeviceError,
    ValueRangeError,
)

N = 4


def zeros(frames: int) -> Any:
    return np.zeros((frames, 2, 2, N, N), np.uint16)


class Plain:
    """Counts its frames."""

    def __init__(self, **sheet: Any) -> None:
        self.info = plain_info(**{"serial": "PLAIN", "n": N, **sheet})
        self.blocks: list[Block] = []
        self.closed = 0

    def execute(self, block: Block) -> None:
        self.blocks.append(block)
        frames = np.arange(block.first_frame, block.first_frame + len(block.codes))
        block.counts[...] = frames[:, None, None, None, None]

    def sensors(self, reading: Reading) -> tuple[float, float]:
        return 273.15 + reading.frames, reading.laser_mw

    def close(self) -> None:
        self.closed += 1


def test_it_is_the_protocol() -> None:
    assert isinstance(Plain(), Backend)
    assert not isinstance(object(), Backend)


def test_what_an_object_is_told_and_gives() -> None:
    backend = Plain(write_us=3.0, settle_us=5.0)
    with open_device(backend=backend) as device:
        device.expose(zeros(2))
        device.idle(1.0)
        device.params["laser_mw"] = 0.5
        codes = zeros(3) + np.uint16(7)
        steps = np.array([[1, 2], [3, 4], [5, 6]], np.uint8)
        counts = device.expose(codes, launch_step=steps, reference="only", exposure_us=2.5)
        assert counts.shape == (3, 2, 1, N, N)
        assert counts[:, 0, 0, 0, 0].tolist() == [2, 3, 4]
        assert device.telemetry().temperature_k == 273.15 + 5
        assert repr(device).startswith("<Device backend=Plain PLAIN 4x4")
    first, block = backend.blocks
    assert (first.first_frame, first.start_ns, first.reference) == (0, 0, "steps")
    assert first.counts.shape == (2, 1, 4, N, N)
    assert not first.previous_codes.any()
    assert not block.previous_codes.any()
    assert np.array_equal(block.codes, codes)
    assert np.array_equal(block.launch_step, steps)
    assert (block.first_frame, block.reference, block.laser_on) == (2, "only", True)
    assert block.start_ns == 2 * (3000 + 5000 + 4 * 100_000) + 1_000_000_000
    assert (block.exposure_ns, block.laser_mw, block.reference_fraction) == (2500, 0.5, 1.0)
    assert backend.closed == 1


def test_a_backend_can_keep_and_spoil_its_arrays() -> None:
    """They are its own: nothing of the caller's or of the driver's changes."""

    class Careless(Plain):
        def execute(self, block: Block) -> None:
            super().execute(block)
            for array in (block.codes, block.previous_codes, block.launch_step):
                array[...] = 99

    backend = Careless()
    with open_device(backend=backend) as device:
        codes = zeros(2)
        counts = device.expose(codes)
        device.expose(codes)
    assert not codes.any()
    for block in backend.blocks:
        block.counts[...] = 99
    assert counts[:, 0, 0, 0].tolist() == [0, 1]


def test_unquantised_devices() -> None:
    backend = Plain(dac_bits=0, adc_bits=0)
    with open_device(backend=backend) as device:
        counts = device.expose(zeros(2).astype(np.float32) + np.float32(0.5))
        assert counts.dtype == np.float32
    assert backend.blocks[0].codes.dtype == np.float32


# ---- what goes wrong -----------------------------------------------------------------------------


class Failing(Plain):
    """Raises `error` from the third frame on."""

    error: BaseException = ValueError("no such pixel")

    def execute(self, block: Block) -> None:
        super().execute(block)
        if block.first_frame + len(block.codes) > 2:
            block.done = max(0, 2 - block.first_frame)
            raise self.error


def failing(error: BaseException) -> Failing:
    backend = Failing()
    backend.error = error
    return backend


@pytest.mark.parametrize(
    "error", [ValueError("no such pixel"), KeyError("x"), MemoryError(), ZeroDivisionError("é")]
)
def test_an_exception_is_the_cause_of_a_backend_error(error: Exception) -> None:
    with open_device(backend=failing(error)) as device:
        with pytest.raises(BackendError, match=type(error).__name__) as caught:
            device.expose(zeros(4), reference="off")
        assert caught.value.__cause__ is error
        assert caught.value.finished[:, 0, 0, 0].tolist() == [0, 1]
        told = device.telemetry()
        assert (told.frames, told.faults) == (2, 1)
        with pytest.raises(BackendError):
            device.expose(zeros(1))


@pytest.mark.parametrize(
    "error",
    [
        FrameLostError("the trigger is loose", native_code=42),
        InterlockError("somebody opened the lid", native_code=7),
        OverTemperatureError("it glows"),
        CalibrationError("not a backend's business"),
    ],
)
def test_a_driver_error_is_raised_as_it_is(error: DriverError) -> None:
    with open_device(backend=failing(error)) as device:
        with pytest.raises(type(error)) as caught:
            device.expose(zeros(4), reference="off")
        assert caught.value is error
        kept = 0 if isinstance(error, OverTemperatureError) else 2
        assert len(error.finished) == kept
        assert device.telemetry().interlock == isinstance(error, InterlockError)
        assert device.telemetry().lost_frames == 4 * isinstance(error, FrameLostError)


def test_ctrl_c_in_a_backend_is_ctrl_c() -> None:
    with open_device(backend=failing(KeyboardInterrupt())) as device:
        with pytest.raises(KeyboardInterrupt):
            device.expose(zeros(3))
        assert device.telemetry().frames == 2


def test_an_exception_reaches_the_thread_that_asked() -> None:
    """Though another thread, the worker, called the backend."""
    seen: list[BaseException | None] = []
    gate, entered = threading.Event(), threading.Event()

    class Slow(Plain):
        def execute(self, block: Block) -> None:
            entered.set()
            gate.wait(30)
            raise ValueError(f"step {block.launch_step[0, 0]}")

    def ask(device: Any, step: int) -> None:
        with pytest.raises(BackendError) as caught:
            device.expose(zeros(1), launch_step=step)
        if str(caught.value.__cause__) == f"step {step}":
            seen.append(caught.value.__cause__)

    with open_device(backend=Slow()) as device:
        threads = [threading.Thread(target=ask, args=(device, step)) for step in range(4)]
        for thread in threads:
            thread.start()
        entered.wait(30)
        gate.set()
        for thread in threads:
            thread.join(30)
    assert len(seen) == 4


def test_exceptions_that_nobody_fetches_are_forgotten() -> None:
    numbers = [causes.keep(ValueError(str(i))) for i in range(3 * causes.MOST)]
    assert causes.take(numbers[0]) is None
    assert str(causes.take(numbers[-1])) == str(3 * causes.MOST - 1)
    assert causes.take(numbers[-1]) is None
    assert causes.take(0) is None


@pytest.mark.parametrize("done", [-5, 10**30, "two", None])
def test_nonsense_about_frames_done(done: Any) -> None:
    class Liar(Plain):
        def execute(self, block: Block) -> None:
            block.counts[...] = 1
            block.done = done
            raise ValueError("and no matter")

    with open_device(backend=Liar()) as device:
        with pytest.raises(BackendError) as caught:
            device.expose(zeros(3))
        assert caught.value.result.finished <= 2


def test_wrong_counts_are_refused() -> None:
    class Wrong(Plain):
        def execute(self, block: Block) -> None:
            block.counts[...] = np.zeros((3, 3))

    with open_device(backend=Wrong()) as device, pytest.raises(BackendError, match="broadcast"):
        device.expose(zeros(2))


def test_a_long_message_is_cut() -> None:
    with open_device(backend=failing(ValueError("é" * 1000))) as device:
        with pytest.raises(BackendError) as caught:
            device.expose(zeros(3))
        assert 100 < len(str(caught.value)) < 300


@pytest.mark.parametrize("answer", [None, (1.0,), ("warm", 1.0), (1.0, 2.0, 3.0)])
def test_sensors_that_make_no_sense(answer: Any) -> None:
    class Dull(Plain):
        def sensors(self, reading: Reading) -> Any:
            return answer

    with open_device(backend=Dull()) as device:
        with pytest.raises(BackendError) as caught:
            device.telemetry()
        assert caught.value.__cause__ is not None
        assert len(device.expose(zeros(1))) == 1


def test_a_close_that_fails_is_shown_and_the_device_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Sticky(Plain):
        def close(self) -> None:
            raise OSError("the port is stuck")

    device = open_device(backend=Sticky())
    shown: list[Any] = []
    monkeypatch.setattr("sys.unraisablehook", lambda seen: shown.append(seen.exc_value))
    device.close()
    assert [str(error) for error in shown] == ["the port is stuck"]
    with pytest.raises(ClosedDeviceError):
        device.expose(zeros(1))


# ---- opening -------------------------------------------------------------------------------------


class NoSensors:
    info = plain_info("X", N)

    def execute(self, block: Block) -> None: ...


class NoInfo(Plain):
    def __init__(self) -> None:
        self.info = "sixteen by sixteen"  # type: ignore[assignment]


@pytest.mark.parametrize("backend", [object(), NoSensors(), NoInfo(), 7])
def test_objects_that_are_no_backends(backend: Any) -> None:
    with pytest.raises(DTypeError):
        open_device(backend=backend)


@pytest.mark.parametrize(
    ("sheet", "error"),
    [
        ({"n": 0}, BackendError),
        ({"n": 513}, BackendError),
        ({"dac_bits": 17}, BackendError),
        ({"launch_steps": 65}, BackendError),
        ({"write_us": -1.0}, BackendError),
        ({"exposure_us": 1e-4}, BackendError),
        ({"detection": "by_eye"}, DTypeError),
    ],
)
def test_data_sheets_that_make_no_sense(sheet: Any, error: type[DriverError]) -> None:
    backend = Plain(**sheet)
    with pytest.raises(error):
        open_device(backend=backend)
    assert backend.closed == (error is BackendError)
    assert not python._adapters


def test_a_grid_that_is_not_square() -> None:
    import dataclasses

    backend = Plain()
    backend.info = dataclasses.replace(backend.info, grid=(4, 8))
    with pytest.raises(ShapeError):
        open_device(backend=backend)


def test_nominal_values_by_name() -> None:
    assert plain_info("X", N, p_pi_mw=3.0).nominal.p_pi_mw == 3.0
    with pytest.raises(ValueRangeError, match="p_pi"):
        plain_info("X", N, p_pi=3.0)


def test_a_uri_or_an_object() -> None:
    for wrong in ({}, {"uri": "null:4", "backend": Plain()}):
        with pytest.raises(DTypeError):
            open_device(**wrong)
    with pytest.raises(ValueRangeError):
        open_device(backend=Plain(), seed=3)
    with pytest.raises(ValueRangeError):
        open_device(backend=Plain(), n=3)


def test_a_class_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On Python's path or in the working folder; options of the URI and keywords are arguments."""
    (tmp_path / "my_bench.py").write_text(
        "from driver.backends import plain_info\n"
        "class Bench:\n"
        "    def __init__(self, n=4, seed=0, port='none', fast=False):\n"
        "        self.info = plain_info(f'{port}-{seed}-{fast}', n)\n"
        "    def execute(self, block): block.counts[...] = 0\n"
        "    def sensors(self, reading): return 300, 0\n"
    )
    monkeypatch.chdir(tmp_path)
    uri = "python:my_bench.Bench?n=8&port=%2Fdev%2Fcamera0&fast=true"
    with open_device(uri, seed=3) as device:
        assert device.info.grid == (8, 8)
        assert device.info.serial == "/dev/camera0-3-True"
    with open_device("python:my_bench.Bench?seed=5", port="x") as device:
        assert device.info.serial == "x-5-False"
    for wrong, error in {
        "python:my_bench.Bnch": UnknownDeviceError,
        "python:no_such_module.Bench": UnknownDeviceError,
        "python:Bench": UnknownDeviceError,
        "python:": UnknownDeviceError,
        "python:my_bench.Bench?pins=3": ValueRangeError,
        "python:my_bench.plain_info?serial=x&n=4": DTypeError,
        "python:my_bench.__name__": UnknownDeviceError,
    }.items():
        with pytest.raises(error):
            open_device(wrong)


@pytest.mark.parametrize("raised", [TypeError("of its own"), OSError("no such port"), KeyError(3)])
def test_a_class_that_fails_to_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, raised: Exception
) -> None:
    """Hardware that isn't there is an error of the driver's ladder, with its cause."""
    module = f"failing_{type(raised).__name__.lower()}"
    (tmp_path / f"{module}.py").write_text(
        f"class Bench:\n    def __init__(self): raise {raised!r}\n"
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BackendError, match=f"cannot be opened: {type(raised).__name__}") as caught:
        open_device(f"python:{module}.Bench")
    assert isinstance(caught.value.__cause__, type(raised))


def test_a_device_left_open_lets_its_backend_go() -> None:
    backend = Plain()
    alive = weakref.ref(backend)
    device = open_device(backend=backend)
    del backend
    gc.collect()
    assert alive() is not None, "the open device needs it"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        del device
        gc.collect()
    assert alive() is None
    assert not python._adapters
