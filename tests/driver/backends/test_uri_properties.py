"""Whatever a URI says, it opens or is a typed error; and what is put together comes apart."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from driver import open_device
from driver.backends.uri import parse_uri, uri_text
from driver.errors import DriverError

names = st.text(st.characters(exclude_characters="?\0", exclude_categories=["Cs"]), max_size=20)
keys = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)
values = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@given(name=names, options=st.dictionaries(keys, values, max_size=5))
@example(name="a b/c&d=e", options={"of": "x", "&": "=%3D", "k": "é%"})
def test_a_uri_comes_apart_as_it_was_put_together(name: str, options: dict[str, str]) -> None:
    options.pop("seed", None)
    parsed = parse_uri(uri_text("null", name, options).decode())
    assert (parsed.scheme, parsed.name, parsed.of) == ("null", name, None)
    assert dict(parsed.options) == options


@given(st.text(max_size=60))
@example("fault:?of=fault:?of=fault:?of=")
@example("null:4?" + "a=1&" * 300)
@example("null:\udcff")
def test_any_text_is_a_device_or_an_error(text: str) -> None:
    with contextlib.suppress(DriverError):
        open_device(text).close()


FAULTS = (
    "dropped_frame", "timeout", "short_read", "laser_trip", "over_temperature", "clock_jump",
    "stuck_heater", "dead_pixel", "hot_pixel", "stale_calibration", "wrong_serial", "seed",
    "stuck_at", "stuck_level", "dead_at", "hot_at", "temperature_k", "clock_jump_s",
    "power_fraction",
)  # fmt: skip
terms = st.text("0123456789p.@-,e", max_size=12)


@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(FAULTS), terms, max_size=4), st.integers(1, 6))
def test_any_faults_open_or_are_refused_and_never_crash(
    faults: dict[str, str], frames: int
) -> None:
    """A device that opens exposes its frames or says why not, and can be closed."""
    import numpy as np

    try:
        device = open_device(
            (uri_text("fault", "", faults).decode() + "&of=null:2").replace("fault:&", "fault:?")
        )
    except DriverError:
        return
    with device:
        codes: Any = np.zeros((frames, 2, 2, 2, 2), np.uint16)
        with contextlib.suppress(DriverError):
            assert len(device.expose(codes)) == frames
        told = device.telemetry()
        assert told.frames <= 4 * frames + frames
