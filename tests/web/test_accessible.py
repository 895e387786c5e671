"""The pages for who sees little or nothing, has no mouse, or reads from right to left, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from playwright.sync_api import Browser, Page, expect

from reelseek.settings import Settings, load_settings
from tests.support.web import LECTURE, TRAFFIC, SmallLibrary, build_library, live_server
from tests.web.test_browser import browser, pytestmark  # noqa: F401 (a fixture and a mark)
from tests.web.test_odd_libraries import LONG, RIGHT_TO_LEFT, fill

PAGES = ("/", "/?q=lorries+memory&min_confidence=0", "/library", f"/videos/{TRAFFIC}?q=lorries", "/saved", "/api/docs")
CONTROLS = {
    "button",
    "link",
    "textbox",
    "searchbox",
    "combobox",
    "radio",
    "checkbox",
    "spinbutton",
    "listbox",
    "slider",
}

# The worst contrast of the text of each element against what is painted under it; text on pictures is left out.
CONTRASTS = """() => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const rgba = (colour, under) => {
        canvas.clearRect(0, 0, 1, 1);
        for (const each of [...under, colour]) { canvas.fillStyle = each; canvas.fillRect(0, 0, 1, 1); }
        return canvas.getImageData(0, 0, 1, 1).data;
    };
    const luminance = (data) => [0.2126, 0.7152, 0.0722].reduce((sum, weight, at) => {
        const part = data[at] / 255;
        return sum + weight * (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    }, 0);
    const poor = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const element = walker.currentNode.parentElement;
        if (!walker.currentNode.data.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
        if (element.closest(".thumb, .poster, video, .visually-hidden, .skip, script, button[disabled]")) continue;
        const under = [];
        for (let each = element; each; each = each.parentElement) under.unshift(getComputedStyle(each).backgroundColor);
        const ink = luminance(rgba(getComputedStyle(element).color, under));
        const paper = luminance(rgba("transparent", under));
        const contrast = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
        if (contrast < 4.5) poor.push(`${contrast.toFixed(2)} ${walker.currentNode.data.trim().slice(0, 40)}`);
    }
    return poor;
}"""


@pytest.fixture(scope="module")
def url(small_library: SmallLibrary) -> Iterator[str]:
    with live_server(small_library.settings) as address:
        yield address


@pytest.fixture(params=["light", "dark"])
def page(browser: Browser, url: str, request: pytest.FixtureRequest) -> Iterator[Page]:  # noqa: F811
    context = browser.new_context(base_url=url, color_scheme=request.param)
    context.set_default_timeout(120_000)
    yield context.new_page()
    context.close()


def test_every_control_has_a_name_every_text_stands_out_and_headings_are_in_order(page: Page) -> None:
    for path in PAGES:
        page.goto(path)
        page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
        tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
        nodes = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if "role" in node]
        assert not [role for role, name in nodes if role in CONTROLS and not name.strip()], path
        assert {"banner", "main", "contentinfo", "navigation"} <= {role for role, _ in nodes}, path
        assert page.evaluate(CONTRASTS) == [], path
        assert page.locator("[tabindex]:not([tabindex='0']):not([tabindex='-1'])").count() == 0, path
        headings = page.locator("h1:visible, h2:visible, h3:visible, h4:visible")
        levels = headings.evaluate_all("(found) => found.map((heading) => Number(heading.tagName[1]))")
        assert levels[0] == 1, path
        assert levels.count(1) == 1, path
        assert all(after <= before + 1 for before, after in pairwise(levels)), (path, levels)


def test_the_content_is_one_key_away_and_focus_is_seen(page: Page) -> None:
    page.goto("/library")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    inside = page.evaluate("document.querySelector('main').contains(document.activeElement)")
    assert inside
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"


def test_a_search_is_saved_opened_and_removed_without_a_mouse(browser: Browser, settings: Settings) -> None:  # noqa: F811
    build_library(settings, settings.data / "videos")
    with live_server(settings) as address:
        page = browser.new_context(base_url=address).new_page()
        page.set_default_timeout(120_000)
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto("/?q=quicksort+pivot")
        page.get_by_text("Save this search").focus()
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        expect(page.get_by_label("Name")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("quicksort pivot is saved")
        page.get_by_role("link", name="Search all videos for quicksort pivot").press("Enter")
        expect(page.locator(f'.moment[data-video="{LECTURE}"]').first).to_be_visible()
        page.goto("/saved")
        page.get_by_role("button", name="Remove quicksort pivot").press("Enter")
        expect(page.get_by_role("status")).to_contain_text("no longer run")
        page.context.close()


def test_long_titles_fit_and_others_run_from_right_to_left(browser: Browser, settings: Settings) -> None:  # noqa: F811
    fill(settings, [LONG, RIGHT_TO_LEFT])
    with live_server(load_settings({"data": settings.data})) as address:
        page = browser.new_context(base_url=address).new_page()
        for path in ("/library", f"/videos/{0:032x}"):
            page.goto(path)
            for width in (360, 1280):
                page.set_viewport_size({"width": width, "height": 844})
                assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), (
                    path
                )
        page.goto("/library")
        title = page.get_by_role("link", name=RIGHT_TO_LEFT)
        assert title.evaluate("(link) => getComputedStyle(link).direction") == "rtl"
        page.context.close()
