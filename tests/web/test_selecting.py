"""Moments gathered over searches and videos, and exported together, in a real browser."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import Browser, Dialog, Locator, Page, expect

from library import keys
from library.catalogue import open_catalogue
from reelseek.settings import Settings
from tests.support.web import HOSTILE_TITLE, LECTURE, TRAFFIC, build_library, live_server
from tests.web.test_accessible import CONTRASTS, CONTROLS
from tests.web.test_browser import browser, context, page, pytestmark, url  # noqa: F401 (fixtures and a mark)

GONE = "e" * 32


def opened(page: Page) -> Locator:  # noqa: F811
    page.get_by_role("button", name=re.compile("^Selection")).click()
    dialog = page.get_by_role("dialog", name="Selection")
    expect(dialog).to_be_visible()
    return dialog


def keep(page: Page, *stretches: tuple[str, float, float, str]) -> None:  # noqa: F811
    """Put moments into the browser's storage as the page does."""
    moments = [
        {"key": f"{video}@{start:.2f}-{end:.2f}", "video": video, "start": start, "end": end, "title": title}
        | {"picture": ""}
        for video, start, end, title in stretches
    ]
    page.evaluate("(text) => localStorage.setItem('reelseek.selection', text)", json.dumps({"moments": moments}))


def test_moments_of_several_searches_and_videos_become_one_timeline_with_keys_alone(
    page: Page,  # noqa: F811
    tmp_path: Path,
) -> None:
    page.goto("/?q=quicksort+pivot")
    expect(page.get_by_role("button", name=re.compile("^Selection"))).to_be_hidden()
    page.keyboard.press("j")
    page.keyboard.press("b")
    expect(page.locator(".moment").first.get_by_role("button", name="Selected")).to_be_visible()
    page.goto("/?q=lorries+crossing")
    page.locator(".moment").first.get_by_role("button", name="Add to selection").press("Enter")
    page.goto(f"/videos/{LECTURE}?t=12&end=14.5")
    page.keyboard.press("b")
    expect(page.locator("[data-tray-count]")).to_have_text("3")
    page.reload()
    dialog = opened(page)
    rows = dialog.get_by_role("listitem")
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_contain_text(HOSTILE_TITLE)
    rows.nth(2).get_by_role("button", name=re.compile("^Earlier")).press("Enter")
    expect(rows.nth(1)).to_contain_text("A lecture")
    expect(rows.nth(1).get_by_role("button", name=re.compile("^Earlier"))).to_be_focused()
    page.keyboard.press("Enter")
    expect(rows.first.get_by_role("button", name=re.compile("^Later"))).to_be_focused()
    field = rows.first.get_by_label(re.compile("^To"))
    field.fill("0:99x")
    field.press("Enter")
    expect(rows.first).to_contain_text("Write times as")
    field.fill("0:13.5")
    field.press("Enter")
    expect(rows.first).to_contain_text("1.50 s")
    rows.nth(1).get_by_role("button", name=re.compile("^Take out")).press("Enter")
    expect(rows).to_have_count(2)
    expect(rows.nth(1).get_by_role("button", name=re.compile("^Take out"))).to_be_focused()
    dialog.get_by_label("Title").fill("Première")
    dialog.get_by_label("Format").select_option("edl")
    with page.expect_download() as waiting:
        dialog.get_by_role("button", name="Export").press("Enter")
    assert waiting.value.suggested_filename == "Première.edl"
    waiting.value.save_as(tmp_path / "cut.edl")
    events = re.findall(r"^\d{3}  (\w+) .*? (\S+) \S+ \S+ \S+$", (tmp_path / "cut.edl").read_text(), re.MULTILINE)
    assert [(reel, source) for reel, source in events] == [("ALECTURE", "00:00:12:00"), ("TRAFFICS", events[1][1])]
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("button", name=re.compile("^Selection"))).to_be_focused()


def test_a_video_that_is_gone_is_told_and_can_be_taken_out(page: Page) -> None:  # noqa: F811
    page.goto("/library")
    keep(page, (LECTURE, 6.0, 11.5, "A lecture"), (GONE, 1.0, 2.0, "<img src=x onerror=window.hacked=1>"))
    page.reload()
    dialog = opened(page)
    row = dialog.get_by_role("listitem").nth(1)
    expect(row).to_contain_text("no longer in the library")
    expect(row).to_contain_text("<img src=x")
    dialog.get_by_role("button", name="Export").click()
    expect(dialog.get_by_role("alert")).to_contain_text(f"Moment 2: There is no video {GONE}")
    dialog.get_by_role("button", name="Take out what is gone").click()
    expect(dialog.get_by_role("listitem")).to_have_count(1)
    page.evaluate('localStorage.setItem(\'reelseek.selection\', \'{"moments": [{"video": 3}, null], "title": 7}\')')
    page.reload()
    expect(page.get_by_role("button", name=re.compile("^Selection"))).to_be_hidden()


def test_the_selection_is_the_same_in_all_tabs_and_leaves_as_links(page: Page) -> None:  # noqa: F811
    page.goto("/?q=merge+sort")
    other = page.context.new_page()
    other.goto("/?q=merge+sort")
    page.locator(".moment").first.get_by_role("button", name="Add to selection").click()
    mine = other.locator(".moment").first.get_by_role("button", name="Selected")
    expect(mine).to_be_visible()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    dialog = opened(page)
    dialog.get_by_role("button", name="Copy as links").click()
    expect(dialog.get_by_role("status")).to_contain_text("Copied 1 link.")
    link = page.evaluate("navigator.clipboard.readText()")
    assert re.search(rf"/videos/{LECTURE}\?t=12\.00&end=17\.50$", link)
    other.bring_to_front()
    mine.click()
    page.bring_to_front()
    expect(dialog).to_contain_text("Nothing is selected")


def test_a_video_whose_file_is_away_can_be_selected_and_asks_before_it_is_removed(
    browser: Browser,  # noqa: F811
    settings: Settings,
) -> None:
    build_library(settings, settings.data / "videos").lecture.unlink()
    with live_server(settings) as address:
        page = browser.new_context(base_url=address).new_page()
        page.set_default_timeout(120_000)
        faults: list[str] = []
        asked: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))

        def refuse(dialog: Dialog) -> None:
            asked.append(dialog.message)
            dialog.dismiss()

        page.on("dialog", refuse)
        page.goto(f"/videos/{LECTURE}?q=merge+sort")
        page.locator(".moment").first.get_by_role("button", name="Add to selection").click()
        expect(opened(page).get_by_role("listitem")).to_contain_text("Its file is not there just now")
        page.keyboard.press("Escape")
        page.locator(".moment a[data-title]").first.click()
        page.wait_for_url("**t=12*")
        page.get_by_role("button", name="Remove").click()
        assert (len(asked), faults) == (1, [])
        expect(page.get_by_role("heading", level=1)).to_have_text("A lecture about sorting")
        page.context.close()


def test_signing_out_leaves_no_selection_for_whoever_comes_next(browser: Browser, settings: Settings) -> None:  # noqa: F811
    with open_catalogue(settings) as catalogue:
        key = keys.create_key(catalogue, "mine")
    with live_server(settings) as address:
        page = browser.new_context(base_url=address).new_page()
        page.set_default_timeout(120_000)
        page.goto("/")
        for selected in (1, 0):
            page.get_by_label("API key").fill(key)
            page.get_by_role("button", name="Sign in").click()
            sign_out = page.get_by_role("button", name="Sign out")
            expect(sign_out).to_be_visible()
            if selected:
                keep(page, (LECTURE, 1.0, 2.0, "Secret plans"))
                page.reload()
                expect(page.locator("[data-tray-count]")).to_have_text("1")
            assert ("Secret plans" in page.evaluate("JSON.stringify(localStorage)")) == bool(selected)
            sign_out.click()
        page.context.close()


def test_the_open_selection_fits_a_phone_and_can_be_read_by_everyone(page: Page) -> None:  # noqa: F811
    page.goto("/library")
    keep(page, *[(TRAFFIC, at, at + 0.5, "A title " + "of_many_words_" * 20) for at in range(20)])
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.reload()
        dialog = opened(page)
        dialog.get_by_label("Format").select_option("mp4")
        tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
        nodes = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if "role" in node]
        assert not [role for role, name in nodes if role in CONTROLS and not name.strip()]
        assert page.evaluate(CONTRASTS) == []
        for width, height in ((360, 640), (844, 390), (1280, 800)):
            page.set_viewport_size({"width": width, "height": height})
            assert dialog.evaluate("(found) => found.scrollWidth <= found.clientWidth"), width
            button = dialog.get_by_role("button", name="Export")
            button.scroll_into_view_if_needed()
            expect(button).to_be_in_viewport()
