from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from driver import open_device
from nn import model_card
from opticonv.demo.trial import Trial
from opticonv.pages.embedding import embed
from opticonv.report.charts import Chart, Series
from opticonv.report.figures import FigurePicture
from opticonv.report.measuring import Measured, measure
from opticonv.report.page import page_of
from opticonv.report.photos import Chosen, sample_photos
from opticonv.report.tables import Table

STUDY = Chart(
    title="Error by ADC bits",
    value="error [%]",
    axis="bits",
    series=(Series("lab", (9.0, 3.0, 1.0), (8.0, 10.0, 12.0)),),
)
COST = Chart(
    title="Time per picture",
    value="time",
    unit="s",
    kind="dots",
    log_y=True,
    categories=("one", "two"),
    series=(Series("host", (2e-3, 1.8)), Series("light", (1.55, 57.0))),
)


@pytest.fixture(scope="session")
def chosen() -> Chosen:
    """Two of the sample photographs."""
    samples = sample_photos()
    return Chosen(samples.photos[:2], samples.origin, {}, {"tiny.png": "20×16 pixels"})


@pytest.fixture(scope="session")
def measured(chosen: Chosen) -> Measured:
    """What an ideal device makes of them, and a large picture that only looks like one."""
    uri = "emulator:ideal?device__n=32"
    with open_device(uri) as device:
        found = measure(
            device, uri, None, chosen.photos, precision="fast", weights="original",
            others=("original",), second=None, large=False, step=lambda _: None,
        )  # fmt: skip
    large = _enlarged(found.trials[0])
    # The page does not look at the pictures, and the strong network takes its time.
    strong = replace(found.weights, name="strong", card=model_card("strong"))
    return replace(found, large=large, second=strong, second_large=large)


def _enlarged(trial: Trial) -> Trial:
    """As if its 256² pictures had been enlarged from 256² to 2048²."""
    shown = trial.pictures

    def large(picture: torch.Tensor) -> torch.Tensor:
        size = (2048, 2048)
        values = torch.nn.functional.interpolate(picture[None].float(), size, mode="bilinear")
        return values[0].round().to(torch.uint8)

    assert trial.truth is not None
    pictures = replace(
        shown, small=trial.truth, bicubic=large(shown.bicubic), electronic=large(shown.electronic),
        optical=large(shown.optical),
    )  # fmt: skip
    return replace(trial, truth=None, quality=None, pictures=pictures)


@pytest.fixture(scope="session")
def page(measured: Measured, chosen: Chosen) -> str:
    """A page with everything on it."""
    black = embed(torch.zeros(3, 8, 8, dtype=torch.uint8), 999)
    evaluated = Table("Set5", ("method", "PSNR dB"), (("bicubic", "21.58"), ("optical", "21.90")))
    return page_of(
        measured,
        chosen,
        evaluation=[evaluated],
        evaluated_by=[("command", "opticonv evaluate <Set5>")],
        studies=[STUDY, FigurePicture("Noise-aware training", black)],
        costs=[COST],
        command=["opticonv", "report", "-o", "a page.html"],
    )  # fmt: skip


@pytest.fixture(scope="session")
def page_file(page: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(page, encoding="utf-8")
    return path


def _program(*names: str) -> str | None:
    return next((found for name in names if (found := shutil.which(name))), None)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A headless Chromium under selenium; skips where there is none."""
    browser = _program("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    driver = _program("chromedriver")
    if browser is None or driver is None:
        lacking = "Chromium" if browser is None else "chromedriver"
        pytest.skip(f"{lacking} is not installed (apt-get install chromium chromium-driver)")
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for argument in (
        "headless=new", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run",
        "disable-background-networking", "disable-component-update", "disable-sync",
        "disable-dev-shm-usage", f"user-data-dir={tmp_path_factory.mktemp('chromium')}",
    ):  # fmt: skip
        options.add_argument(f"--{argument}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(driver)
    with webdriver.Chrome(options=options, service=service) as started:
        yield started


Open = Callable[..., Any]

HEIGHT = 844


@pytest.fixture
def open_page(chromium: Any, page_file: Path) -> Iterator[Open]:
    """Open the page from its file, at a width, in a scheme; gives the browser."""

    def opened(width: int, *, dark: bool = False, script: bool = True, media: str = "") -> Any:
        screen = {"width": width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": width < 600}
        chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
        wishes = {
            "prefers-color-scheme": "dark" if dark else "light",
            "prefers-reduced-motion": "reduce",  # so that scrolling is done when it is asked for
        }
        features = [{"name": name, "value": value} for name, value in wishes.items()]
        chromium.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"media": media, "features": features}
        )
        chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": not script})
        for kind in ("browser", "performance"):
            chromium.get_log(kind)  # what earlier pages left
        chromium.get(page_file.as_uri())
        return chromium

    yield opened
    chromium.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


@pytest.fixture
def screenshot(tmp_path: Path) -> Callable[[Any], Image.Image]:
    def taken(browser: Any) -> Image.Image:
        browser.save_screenshot(str(tmp_path / "screen.png"))
        return Image.open(tmp_path / "screen.png").convert("RGB")

    return taken
