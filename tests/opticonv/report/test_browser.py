"""The page in headless Chromium, from its file: at a phone's and a desktop's width, by keyboard."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

Open = Callable[..., Any]

PHONE, DESKTOP = 390, 1280
WIDTHS = pytest.mark.parametrize("width", [PHONE, DESKTOP], ids=["phone", "desktop"])


def press(browser: Any, *names: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    for name in names:
        ActionChains(browser).send_keys(getattr(Keys, name)).perform()


def find(browser: Any, selector: str) -> Any:
    return browser.find_element("css selector", selector)


def visible(browser: Any, selector: str) -> list[Any]:
    return [e for e in browser.find_elements("css selector", selector) if e.is_displayed()]


def tab_to(browser: Any, selector: str) -> Any:
    """Press Tab until an element that matches has the focus."""
    for _ in range(40):
        press(browser, "TAB")
        active = browser.switch_to.active_element
        if browser.execute_script("return arguments[0].matches(arguments[1])", active, selector):
            return active
    raise AssertionError(f"40 Tabs do not lead to {selector}")


def divider(browser: Any) -> str:
    """Where the divider of the slider in sight stands."""
    slider = visible(browser, ".slider")[0]
    return str(browser.execute_script("return arguments[0].style.getPropertyValue('--at')", slider))


@WIDTHS
def test_it_opens_without_error_and_asks_nobody_for_anything(open_page: Open, width: int) -> None:
    browser = open_page(width)
    assert browser.get_log("browser") == []
    requests = [
        message["params"]["request"]["url"]
        for entry in browser.get_log("performance")
        if (message := json.loads(entry["message"])["message"])["method"]
        == "Network.requestWillBeSent"
    ]
    assert requests
    assert {url.partition(":")[0] for url in requests} <= {"file", "data"}


@WIDTHS
def test_nothing_is_wider_than_the_screen(open_page: Open, width: int) -> None:
    browser = open_page(width)
    browser.execute_script("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    for number in range(len(browser.find_elements("css selector", ".chooser input"))):
        browser.execute_script(
            "document.querySelectorAll('.chooser input')[arguments[0]].click()", number
        )
        wide = browser.execute_script("return document.scrollingElement.scrollWidth")
        assert wide <= width
    # Tables may be: each scrolls in a box of its own.
    if width == PHONE:
        assert browser.execute_script(
            "return [...document.querySelectorAll('.scroller')]"
            ".some(box => box.scrollWidth > box.clientWidth)"
        )


@WIDTHS
def test_text_of_charts_can_be_read(open_page: Open, width: int) -> None:
    browser = open_page(width)
    heights = browser.execute_script(
        "return [...document.querySelectorAll('.chart svg text')].map(text => "
        "parseFloat(getComputedStyle(text).fontSize) * "
        "Math.hypot(text.getScreenCTM().a, text.getScreenCTM().b))"
    )
    assert len(heights) > 20
    # 9 CSS pixels: the smallest of the labels, 7 points in a chart of 3.7 inches, on a phone.
    assert min(heights) >= 9


@WIDTHS
def test_the_slider_moves_by_keyboard(open_page: Open, width: int) -> None:
    browser = open_page(width)
    slider = tab_to(browser, ".slider input")
    assert slider.aria_role == "slider"
    assert slider.accessible_name == "Divider: Bicubic at its left, Optical network at its right"
    assert divider(browser) == "50%"
    press(browser, "ARROW_RIGHT")
    assert divider(browser) == "51%"
    assert slider.get_attribute("aria-valuetext") == "51 % Bicubic, 49 % Optical network"
    press(browser, "ARROW_LEFT", "ARROW_LEFT")
    assert divider(browser) == "49%"
    press(browser, "END")
    assert divider(browser) == "100%"
    press(browser, "HOME")
    assert divider(browser) == "0%"


def test_the_focus_can_be_seen(open_page: Open) -> None:
    browser = open_page(DESKTOP)
    outline = "return getComputedStyle(document.querySelector('.slider')).outlineStyle"
    assert browser.execute_script(outline) == "none"
    tab_to(browser, ".slider input")
    assert browser.execute_script(outline) == "solid"


def test_what_lies_left_of_the_divider_is_the_left_picture(
    open_page: Open, screenshot: Callable[[Any], Image.Image]
) -> None:
    """By pixels on the screen, with the divider at both ends."""
    browser = open_page(DESKTOP)
    tab_to(browser, ".slider input")
    box = visible(browser, ".slider")[0].rect

    def seen() -> NDArray[np.float64]:
        """A part without tags and handle."""
        left, top = int(box["x"]) + 200, int(box["y"] - browser.execute_script("return scrollY"))
        part = screenshot(browser).crop((left, top + 400, left + 100, top + 450))
        return np.asarray(part, np.float64)

    slid = []
    for end in ("END", "HOME"):
        press(browser, end)
        slid.append(seen())
    alone = []
    for side in ("left", "right"):
        browser.execute_script(
            "const shown = document.querySelector('.slider img.' + arguments[0]);"
            "for (const image of document.querySelectorAll('.slider img'))"
            "  image.style.opacity = image === shown ? 1 : 0;"
            "shown.style.clipPath = 'none';",
            side,
        )
        alone.append(seen())
    assert np.array_equal(slid, alone)
    assert not np.array_equal(*slid)


@WIDTHS
def test_the_divider_follows_a_drag(open_page: Open, width: int) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    browser = open_page(width)
    slider = visible(browser, ".slider")[0]
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", slider)
    quarter = slider.rect["width"] // 4
    actions = ActionChains(browser)
    actions.move_to_element(slider).click_and_hold().move_by_offset(quarter, 3).release().perform()
    # Half and a quarter of its width, to a pixel and to a per cent.
    assert 74 <= float(divider(browser).removesuffix("%")) <= 76
    actions.move_by_offset(-quarter, 0).perform()
    assert 74 <= float(divider(browser).removesuffix("%")) <= 76


@WIDTHS
def test_photographs_and_sides_are_chosen_by_keyboard(open_page: Open, width: int) -> None:
    browser = open_page(width)
    assert len(visible(browser, ".photo")) == 1
    tab_to(browser, ".chooser input")
    press(browser, "ARROW_RIGHT")
    shown = visible(browser, ".photo")
    assert len(shown) == 1
    assert "astronaut" in shown[0].get_attribute("id")
    before = visible(browser, ".slider img.left")[0].get_attribute("src")
    choice = tab_to(browser, ".reading select")
    assert choice.accessible_name == "Left"
    choice.send_keys("Strong network, e")  # what keyboards do with a list
    assert visible(browser, ".slider img.left")[0].get_attribute("src") != before
    assert tab_to(browser, ".reading select").accessible_name == "Right"
    press(browser, "ARROW_DOWN", "ARROW_DOWN")
    assert [tag.text for tag in visible(browser, ".tag")] == [
        "Strong network, electronic",
        "Strong network, optical",
    ]
    left, right = (tag.rect for tag in visible(browser, ".tag"))
    assert left["x"] + left["width"] < right["x"]


def test_a_close_up_shows_the_same_pixels_of_every_method(open_page: Open) -> None:
    browser = open_page(DESKTOP)
    tab_to(browser, ".region input")
    press(browser, "HOME", "ARROW_RIGHT", "ARROW_RIGHT")
    press(browser, "TAB", "HOME", "ARROW_RIGHT")
    equal = browser.execute_script(
        """
        const photo = document.querySelector(".photo:not([hidden])");
        const side = Number(photo.dataset.side), extent = Number(photo.dataset.extent);
        return [...photo.querySelectorAll(".closeups canvas")].map((canvas, index) => {
          const picture = photo.querySelectorAll(".panels:not(.closeups) img")[index];
          const scale = picture.naturalWidth / side, size = extent * scale;
          const whole = document.createElement("canvas");
          whole.width = whole.height = picture.naturalWidth;
          const context = whole.getContext("2d");
          context.drawImage(picture, 0, 0);
          const wanted = context.getImageData(16 * scale, 8 * scale, size, size).data;
          const found = canvas.getContext("2d").getImageData(0, 0, size, size).data;
          return canvas.width === size && !canvas.hidden && wanted.every((v, i) => v === found[i]);
        });
        """
    )
    assert equal == [True] * 8
    rendering = "return getComputedStyle(document.querySelector('.closeups canvas')).imageRendering"
    assert browser.execute_script(rendering) == "pixelated"


def test_a_click_on_a_picture_moves_the_close_up(open_page: Open) -> None:
    browser = open_page(PHONE)
    picture = visible(browser, ".marked")[1]
    browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", picture)
    picture.click()
    # A close-up of 96 pixels about the middle of 256.
    assert [each.text for each in visible(browser, ".region output")] == ["80 to 176"] * 2


def test_without_script_all_pictures_lie_side_by_side(open_page: Open) -> None:
    browser = open_page(DESKTOP, script=False)
    assert browser.find_elements("css selector", "input, canvas") == []
    photos = browser.find_elements("css selector", ".photo")
    assert len(photos) == 3
    sizes = [image.rect for image in browser.find_elements("css selector", ".photo img")]
    assert len(sizes) == 2 * 16 + 2 * 6
    assert min(min(size["width"], size["height"]) for size in sizes) > 100


def test_on_paper_all_photographs_are_there(open_page: Open) -> None:
    browser = open_page(DESKTOP, media="print")
    assert len(visible(browser, ".photo")) == 3
    assert visible(browser, ".slider, .chooser, .region, nav") == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_follows_the_reader_s_scheme(open_page: Open, dark: bool) -> None:
    browser = open_page(DESKTOP, dark=dark)
    colour = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    red = int(colour.removeprefix("rgb(").partition(",")[0])
    assert (red < 64) if dark else (red > 191)
    ink = browser.execute_script(
        "return getComputedStyle(document.querySelector('.chart svg text')).fill"
    )
    assert ink == browser.execute_script("return getComputedStyle(document.body).color")
