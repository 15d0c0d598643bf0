"""DESIGN's honesty rules: one path, real noise, no truth on this side of the boundary."""

from __future__ import annotations

import gc
import re
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from driver import Device, open_device
from driver.library import check, ffi, lib, pointer, struct
from driver.plan import ConvolutionPlan
from optical_device.fabrication import Fabrication, fabricate
from optical_device.profile import load_profile

SEED = 7

Opener = Callable[..., Device]
Targets = Callable[..., NDArray[np.complex64]]
CodesFor = Callable[..., NDArray[Any]]
ErrorOf = Callable[[NDArray[Any], NDArray[Any]], float]


def correlation(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Modulus of the normalised correlation of two complex arrays."""
    return float(abs(np.vdot(a, b)) / (np.linalg.norm(a) * np.linalg.norm(b)))


# ---- the fast path is the honest path ------------------------------------------------------------


@pytest.mark.parametrize("uri", ["emulator:lab", "emulator:ideal"])
@pytest.mark.parametrize("n", [11, 20, 32])
@pytest.mark.parametrize("how", ["forward", "inverse", "operand"])
def test_transform_is_decode_of_expose_of_encode(
    calibrated: Opener, targets: Targets, uri: str, n: int, how: str
) -> None:
    """Bit for bit, on two devices opened alike, frame after frame."""
    x = targets(19, n, n)  # more than two blocks of 8 frames, on two threads
    inverse = how == "inverse"
    operand = targets(19, n, n) if how == "operand" else None
    with (
        calibrated(uri, seed=SEED, threads=2, device__n=n) as one,
        calibrated(uri, seed=SEED, threads=1, device__n=n) as other,
    ):
        at_once = one.transform(
            x, inverse=inverse, operand=operand, exposure="single", retries=0, track=False
        )
        by_hand = []
        for i, frame in enumerate(x):
            second = None if operand is None else operand[i]
            encoded = other.encode(frame, inverse=inverse, operand=second)
            by_hand.append(other.decode(other.expose(encoded.codes), encoded))
        assert at_once.tobytes() == np.stack(by_hand).tobytes()
        told, other_told = one.telemetry(), other.telemetry()
        assert told.threads == 2
        assert (told.frames, told.exposures) == (other_told.frames, other_told.exposures)
        assert told.frames == 19
        assert told.device_time_s == other_told.device_time_s


def test_the_heaters_remember_across_jobs(
    calibrated: Opener, targets: Targets, codes_for: CodesFor
) -> None:
    """Whatever kind of job came before: transform, exposure, or a transform of nothing."""
    slow = {"device__n": 16, "timing__settle_us": 400.0}  # 1.8 % of the frame before remain
    x, nothing = targets(3, 16, 16), np.empty(0, np.float32)
    options: dict[str, Any] = {"exposure": "single", "retries": 0, "track": False}
    with (
        calibrated("emulator:lab", seed=SEED, **slow) as one,
        calibrated("emulator:lab", seed=SEED, **slow) as other,
    ):
        codes = codes_for(one, 2)
        job = struct(
            "odev_transform_job",
            exposures=1,
            exposure_ns=100_000,
            x=pointer(nothing, np.float32, "const float *"),
            y=pointer(nothing, np.float32, "float *"),
        )
        seen, wanted = [], []
        for _ in range(2):
            seen += [one.expose(codes), one.transform(x, **options), one.expose(codes)]
            with one._handle.use() as handle:
                check(lib.odev_run_transform(handle, job, ffi.NULL))
            seen += [one.expose(codes[1:])]
            encoded = other.encode(x)
            wanted += [other.expose(codes), other.decode(other.expose(encoded.codes), encoded)]
            wanted += [other.expose(codes), other.expose(codes[1:])]
    for a, b in zip(seen, wanted, strict=True):
        assert np.array_equal(a, b)


def test_codes_and_counts_are_integers(calibrated: Opener, targets: Targets) -> None:
    with calibrated("emulator:lab", seed=SEED, device__n=16) as device:
        encoded = device.encode(targets(3, 16, 16))
        counts = device.expose(encoded.codes)
        assert encoded.codes.dtype == counts.dtype == np.uint16
        assert encoded.codes.max() < 2**14
        assert counts.max() < 2**12


def test_decode_uses_the_counts(calibrated: Opener, targets: Targets, error_of: ErrorOf) -> None:
    """Not the targets: the counts of another frame decode to the other frame's transform."""
    x = targets(2, 32, 32)
    with calibrated("emulator:ideal", seed=SEED, device__n=32) as device:
        first, second = device.encode(x[:1]), device.encode(x[1:])
        counts = device.expose(second.codes, launch_step=first.launch_step)
        seen = device.decode(counts, first) * (first.scale / second.scale)
    assert error_of(seen[0], np.fft.fft2(x[1], norm="ortho")) < 1e-5


# ---- light does it -------------------------------------------------------------------------------


@pytest.mark.parametrize("exposure", ["single", "two_gain", "averaged"])
def test_without_laser_there_is_only_noise(
    calibrated: Opener, targets: Targets, exposure: str
) -> None:
    x = targets(4, 32, 32)
    wanted = np.fft.fft2(x, norm="ortho")
    with calibrated("emulator:lab", seed=SEED, device__n=32) as device:
        assert correlation(device.transform(x, exposure=exposure), wanted) > 0.99
        device.params["laser_enabled"] = False
        dark = device.transform(x, exposure=exposure)
    # Independent of 4096 wanted bins, the correlation is a complex Gaussian of RMS 1/64 whose
    # modulus exceeds r with probability exp(-4096 r^2): 1e-9 at r = 0.0711.
    assert correlation(dark, wanted) < 0.0711
    assert np.all(np.isfinite(dark))


def test_laser_off_leaves_dark_frames(codes_for: CodesFor) -> None:
    """`laser="off"`, `laser_enabled` and no power at all are the same darkness."""
    counts = []
    for switch in ("argument", "enabled", "power"):
        with open_device("emulator:lab", seed=SEED, device__n=16) as device:
            codes = codes_for(device, 2)
            if switch == "enabled":
                device.params["laser_enabled"] = False
            if switch == "power":
                device.params["laser_mw"] = 0.0
            counts.append(device.expose(codes, laser="off" if switch == "argument" else "on"))
            bright = device.expose(codes, laser="on", launch_step=4)
            assert (bright.mean() > 1.5 * counts[-1].mean()) == (switch == "argument")
    assert np.array_equal(counts[0], counts[1])
    assert np.array_equal(counts[0], counts[2])


def test_the_chip_does_it(targets: Targets, calibrated: Opener) -> None:
    """With the heaters held at zero the counts say nothing of x."""
    x = targets(2, 32, 32)
    wanted = np.fft.fft2(x, norm="ortho")
    with calibrated("emulator:lab", seed=SEED, device__n=32) as device:
        encoded = device.encode(x)
        counts = device.expose(np.zeros_like(encoded.codes), launch_step=encoded.launch_step)
        assert correlation(device.decode(counts, encoded), wanted) < 0.11  # exp(-2048 r^2) = 1e-11


def test_only_the_emulated_lens_transforms() -> None:
    """No electronic transform of the data, neither in C nor in Python's frame path."""
    root = Path(__file__).parents[2]
    callers = {
        str(path.relative_to(root / "csrc"))
        for folder in ("core", "emulator", "host", "kernels", "testing")
        for path in (root / "csrc" / folder).glob("*.[ch]")
        if re.search(r"\bfft2(_impl)?\((?!const odev_fft_plan)", path.read_text())
    }
    assert callers == {
        "emulator/frame.c",  # the lens
        "kernels/kernels_impl.h",  # its entry in the table
        "testing/stages.c",
    }
    for name in ("device", "frames", "boundary", "exposure", "encoded"):
        assert "fft" not in (root / "driver" / f"{name}.py").read_text(), name


# ---- the same seed and frames give the same counts -----------------------------------------------


def exposed(device: Device, codes: NDArray[Any], cuts: list[int]) -> NDArray[Any]:
    """Counts of frames exposed in runs that end at `cuts`."""
    steps = (np.arange(len(codes)) % 7 + 12).astype(np.uint8)
    parts = [
        device.expose(codes[a:b], launch_step=steps[a:b])
        for a, b in zip([0, *cuts], [*cuts, len(codes)], strict=True)
    ]
    return np.concatenate(parts)


@pytest.mark.parametrize("n", [11, 32])
def test_counts_do_not_depend_on_threads_or_splits(codes_for: CodesFor, n: int) -> None:
    reference = None
    for threads, cuts in [(1, []), (2, []), (2, [1]), (1, [3, 4, 9]), (2, [5, 5, 11]), (3, [12])]:
        with open_device("emulator:lab", seed=SEED, device__n=n, threads=threads) as device:
            codes = codes_for(device, 13)
            counts = exposed(device, codes, cuts)
            if reference is None:
                reference = counts
            assert np.array_equal(counts, reference), (threads, cuts)
            assert device.telemetry().frames == 13


def test_transforms_do_not_depend_on_threads(calibrated: Opener, targets: Targets) -> None:
    """Pilots, retries, residual frames and all."""
    x = targets(40, 16, 16)
    x[::5, 3, 4] += 200  # peaks in half the plane: some frames saturate and are repeated
    results = []
    for threads in (1, 2, 3):
        with calibrated("emulator:lab", seed=SEED, threads=threads, device__n=16) as device:
            y = [device.transform(x, residual=residual) for residual in (False, True)]
            results.append((np.stack(y), device.telemetry()))
    for y, told in results[1:]:
        assert np.array_equal(y, results[0][0])
        first = results[0][1]
        assert (told.frames, told.pilots, told.retries, told.saturations, told.device_time_s) == (
            (first.frames, first.pilots, first.retries, first.saturations, first.device_time_s)
        )
    assert results[0][1].pilots > 2
    assert [told.threads for _, told in results] == [1, 2, 3]


def test_avx_512_and_avx2_give_the_same(
    with_kernels: Opener, codes_for: CodesFor, targets: Targets
) -> None:
    """Counts and codes bit for bit, up to N that fill no vector."""
    for n in (11, 20, 64):
        x, seen = targets(6, n, n), []
        for name in ("v3", "v4"):
            with with_kernels(name, "emulator:lab", seed=SEED, device__n=n, threads=1) as device:
                codes = codes_for(device, 6)
                with pytest.warns(UserWarning, match="calibrate"):
                    encoded = device.encode(x)
                seen.append((device.expose(codes), encoded, device.expose(encoded.codes)))
        (counts, encoded, own), (counts4, encoded4, own4) = seen
        assert np.array_equal(counts, counts4)
        assert np.array_equal(encoded.codes, encoded4.codes)
        assert np.array_equal(encoded.launch_step, encoded4.launch_step)
        assert np.array_equal(own, own4)


def test_the_baseline_differs_by_one_count_at_most(
    with_kernels: Opener, codes_for: CodesFor
) -> None:
    """Without fused multiply-adds, on at most 0.2 % of pixels (see test_golden_agreement)."""
    counts = []
    for name in ("base", "v3"):
        with with_kernels(name, "emulator:lab", seed=SEED, device__n=64, threads=1) as device:
            codes = codes_for(device, 6)
            counts.append(device.expose(codes).astype(int))
    assert np.max(np.abs(counts[0] - counts[1])) <= 1
    assert np.mean(counts[0] != counts[1]) <= 2e-3


# ---- no truth ------------------------------------------------------------------------------------


def reachable(root: Any) -> list[Any]:
    """Every object that Python can reach from `root`, code and modules aside."""
    skipped = (type, types.ModuleType, types.FunctionType, types.BuiltinFunctionType)
    seen: dict[int, Any] = {}
    waiting = [root]
    while waiting:
        here = waiting.pop()
        if id(here) in seen or isinstance(here, skipped):
            continue
        seen[id(here)] = here
        waiting.extend(gc.get_referents(here))
    return list(seen.values())


DARK = {"laser": "off", "reference": "only"}
"""The shortest frames with noise: one dark step."""


def truths(fab: Fabrication) -> tuple[list[NDArray[Any]], set[float]]:
    """Arrays and scalars of a specimen that its data sheet does not tell."""
    values = {name: getattr(fab, name) for name in fab.__dataclass_fields__}
    arrays = [v for v in values.values() if isinstance(v, np.ndarray) and v.size > 4 and np.ptp(v)]
    scalars = {v for v in values.values() if isinstance(v, float) and v not in (0.0, 1.0)}
    return arrays, scalars


def holds_truth(objects: list[Any], fab: Fabrication) -> list[str]:
    arrays, scalars = truths(fab)
    found = [f"a {type(o).__name__}" for o in objects if type(o).__module__ == "optical_device"]
    found += [repr(o) for o in objects if isinstance(o, float) and o in scalars]
    for o in objects:
        if isinstance(o, np.ndarray) and o.dtype.kind in "fc":
            found += ["an array" for a in arrays if np.isin(a.ravel()[:8], o).any()]
    return found


def test_a_device_holds_no_truth(calibrated: Opener, targets: Targets) -> None:
    """Not even privately: the fabrication is gone from Python once the device is open."""
    fab = fabricate(load_profile("lab", device__n=16), SEED)
    with open_device("emulator:lab", seed=SEED, device__n=16) as device:
        with pytest.warns(UserWarning, match="calibrate"):
            device.transform(targets(1, 16, 16))
        device.telemetry()
        assert holds_truth(reachable(device), fab) == []
    with calibrated("emulator:lab", seed=SEED, device__n=16) as cheat:
        assert holds_truth(reachable(cheat), fab), "this test would not see truth"


def test_the_library_offers_no_way_to_the_truth() -> None:
    """No C function takes an open device and gives its fabrication back."""
    functions = [name for name in dir(lib) if name.startswith("odev_")]
    takes_device = {
        name
        for name in functions
        if isinstance(getattr(lib, name), types.BuiltinFunctionType)
        and any(a is ffi.typeof("odev_device *") for a in ffi.typeof(getattr(lib, name)).args)
    }
    assert takes_device == {
        "odev_close", "odev_get_caps", "odev_get_data_sheet", "odev_describe_param",
        "odev_get_param", "odev_set_param",
        "odev_load_calibration", "odev_submit_expose", "odev_submit_transform", "odev_run_expose",
        "odev_run_transform", "odev_encode", "odev_decode", "odev_idle", "odev_telemetry",
        "odev_abort_all", "odev_counters", "odev_save_session", "odev_restore_session",
    }  # fmt: skip


def test_serial_numbers_do_not_tell_the_seed() -> None:
    with open_device("emulator:lab", seed=123456789, device__n=16) as device:
        assert "123456789" not in repr(device.info)
        for base in (10, 16):
            digits = np.base_repr(123456789, base)
            assert digits.lower() not in device.info.serial.lower()


def test_sensors_do_not_tell_the_truth() -> None:
    """They have an offset, a gain and noise of their own."""
    fab = fabricate(load_profile("lab", device__n=16), SEED)
    codes = np.zeros((1, 2, 2, 16, 16), np.uint16)
    with open_device("emulator:lab", seed=SEED, device__n=16) as device:
        readings = []
        for _ in range(50):
            device.expose(codes, **DARK)
            readings.append(device.telemetry())
    temperature = np.array([told.temperature_k for told in readings])
    power = np.array([told.laser_mw for told in readings])
    assert np.std(temperature) > 0
    assert np.std(power) > 0
    # The offset stands out of the mean's noise, or this specimen's sensor is perfect.
    assert abs(np.mean(temperature) - fab.profile.thermal.ambient_k) > 3 * np.std(temperature) / 7
    assert abs(np.mean(power) - fab.profile.source.laser_mw) > 3 * np.std(power) / 7


# ---- telemetry and plan --------------------------------------------------------------------------


@pytest.mark.parametrize("residual", [False, True])
def test_telemetry_counts_what_was_exposed(
    calibrated: Opener, targets: Targets, residual: bool
) -> None:
    with calibrated("emulator:lab", seed=SEED, device__n=16) as device:
        device.transform(targets(60, 16, 16), residual=residual, retries=0)
        told = device.telemetry()
        items = 120 if residual else 60
        assert told.frames == items + told.pilots
        assert told.exposures == 4 * (2 * items + told.pilots)
        # The first frame is a pilot, then one goes before an item when 24 frames lie behind.
        assert told.pilots == 1 + (items - 1) // 24
        t = device.info.timing
        us = items * t.frame_us(2) + told.pilots * t.frame_us(1)
        assert told.device_time_s == pytest.approx(us * 1e-6, rel=1e-12)


@pytest.mark.parametrize("precision", ["fast", "balanced", "best"])
def test_telemetry_frames_equal_the_plan_s(
    calibrated: Opener, rng: np.random.Generator, precision: str
) -> None:
    """Retries aside: they are the camera's answer to a prediction, and told apart."""
    x = rng.random((2, 3, 90, 37), dtype=np.float32)
    w = rng.standard_normal((4, 3, 3, 3)).astype(np.float32)
    plan = ConvolutionPlan.for_shapes(x.shape, w.shape, grid=32, padding=1, precision=precision)
    assert plan.parts[0].has_seams
    with calibrated("emulator:lab", seed=SEED, device__n=32) as device:
        device.convolve2d(x, w, padding=1, precision=precision)
        told = device.telemetry()
    assert plan.frames > 24
    assert told.frames - told.pilots - told.retries == plan.frames
    if not told.retries:
        # Both passes may begin with a pilot of their own if the last one is over 0.25 s old.
        assert plan.pilots <= told.pilots <= plan.pilots + 1
        assert told.exposures - 4 * told.pilots == plan.exposures - 4 * plan.pilots
