"""Device URIs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import optical_device
from driver import open_device
from driver.backends import device_uris, parse_uri
from driver.errors import DriverError, UnknownDeviceError, ValueRangeError


@pytest.mark.parametrize(
    ("uri", "name", "seed", "overrides"),
    [
        ("emulator:lab", "lab", None, {}),
        ("emulator:lab?", "lab", None, {}),
        ("emulator:lab?seed=7", "lab", 7, {}),
        (
            "emulator:ideal?device__n=32&seed=0&source__rin=1e-3&camera__shot_noise=false",
            "ideal",
            0,
            {"device__n": 32, "source__rin": 1e-3, "camera__shot_noise": False},
        ),
        ("emulator:/at/my.toml?device__name=mine", "/at/my.toml", None, {"device__name": "mine"}),
    ],
)
def test_parsing(uri: str, name: str, seed: int | None, overrides: dict[str, Any]) -> None:
    parsed = parse_uri(uri)
    assert (parsed.scheme, parsed.name, parsed.seed) == ("emulator", name, seed)
    assert parsed.overrides == overrides
    assert [type(v) for v in parsed.overrides.values()] == [type(v) for v in overrides.values()]


@pytest.mark.parametrize(
    "uri", ["", "lab", "emulator", "emulator:", "emulator:nope", "emulator:no.toml", "warp:lab"]
)
def test_unknown_devices(uri: str) -> None:
    """The message says which there are."""
    with pytest.raises(UnknownDeviceError, match=r"ideal.*lab") as caught:
        open_device(uri)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("uri", [5, None, b"emulator:lab"])
def test_what_is_no_uri(uri: Any) -> None:
    with pytest.raises(DriverError):
        open_device(uri)


@pytest.mark.parametrize("seed", ["a", "1.5", "", "true"])
def test_seeds_that_are_none(seed: str) -> None:
    with pytest.raises(ValueRangeError, match="seed"):
        open_device(f"emulator:lab?seed={seed}")


@pytest.mark.parametrize(
    "uri",
    [
        "emulator:lab?seed=1&seed=2",
        "emulator:lab?device__n=16&device__%6e=32",
        "fault:?dropped_frame=1&dropped_frame=2&of=null:8",
    ],
)
def test_an_option_stands_once(uri: str) -> None:
    """Which of the two was meant, nobody can know."""
    with pytest.raises(ValueRangeError, match=r"'(seed|device__n|dropped_frame)' stands twice"):
        open_device(uri)


def test_messages_quote_the_beginning_of_what_is_long() -> None:
    with pytest.raises(UnknownDeviceError) as caught:
        open_device("x" * 100_000)
    assert len(str(caught.value)) < 1000


def test_the_devices_that_come_with_the_package_open() -> None:
    assert {"emulator:lab", "emulator:ideal"} <= set(device_uris())
    for uri in device_uris():
        with open_device(uri) as device:
            assert device.info.profile_name == uri.partition(":")[2]


def test_a_profile_of_one_s_own(tmp_path: Path) -> None:
    packaged = Path(optical_device.__file__).parent / "profiles" / "lab.toml"
    mine = tmp_path / "mine.toml"
    mine.write_text(packaged.read_text().replace('name = "lab"', 'name = "mine"'))
    with open_device(f"emulator:{mine}?device__n=16", seed=1) as device:
        assert device.info.profile_name == "mine"
        assert device.info.grid == (16, 16)
    mine.write_text("this is no TOML [")
    with pytest.raises((ValueRangeError, UnknownDeviceError)) as caught:
        open_device(f"emulator:{mine}")
    assert "\n" not in str(caught.value)
