"""The page as a person meets it, in a real browser."""

from __future__ import annotations

import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from library.catalogue import open_catalogue
from library.ledger import Ledger
from reelseek.settings import Settings, load_settings
from tests.support.web import LECTURE, TRAFFIC, SmallLibrary, jpeg, live_server, make_clip
from workers.runner import run_next
from workers.workspace import Workspace

expect.set_options(timeout=60_000)  # a busy machine is slow, not wrong
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--autoplay-policy=no-user-gesture-required",
            ],
        )
        yield started
        started.close()


@pytest.fixture(scope="module")
def url(small_library: SmallLibrary) -> Iterator[str]:
    with live_server(small_library.settings) as address:
        yield address


@pytest.fixture
def context(browser: Browser, url: str) -> Iterator[BrowserContext]:
    made = browser.new_context(base_url=url, viewport={"width": 1280, "height": 800})
    made.set_default_timeout(120_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page on which no script fails and nothing breaks the content policy."""
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on(
        "console",
        lambda message: (
            complaints.append(message.text)
            if message.type == "error" and "Failed to load resource" not in message.text
            else None
        ),
    )
    yield opened
    assert complaints == []
    assert opened.evaluate("window.hacked") is None


def wait_for_time(page: Page, least: float, most: float) -> None:
    page.wait_for_function(
        """([least, most]) => {
            const now = document.querySelector("video").currentTime;
            return now >= least && now <= most;
        }""",
        arg=[least, most],
    )


def test_a_search_lands_on_the_right_second_of_the_right_video(page: Page) -> None:
    page.goto("/")
    expect(page.get_by_role("combobox")).to_be_focused()
    page.keyboard.type("merge sort memory")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=merge+sort+memory*")
    first = page.locator(".moment").first
    expect(first.locator("mark").first).to_be_visible()
    start = float(first.get_attribute("data-start") or "nan")
    assert 6.0 <= start <= 13.0
    first.get_by_role("link").first.click()
    player = page.get_by_label("Player", exact=True)
    expect(player).to_be_visible()
    wait_for_time(page, start - 0.1, start + 8)
    assert LECTURE in (page.locator("video").get_attribute("src") or "")
    assert page.locator("video track[kind=captions]").count() == 1
    expect(player.get_by_role("button", name=re.compile("^Moment at"))).not_to_have_count(0)
    expect(player.get_by_role("button", name=re.compile("^Chapter Opening"))).to_have_count(1)
    player.get_by_role("button", name=re.compile("^Chapter Opening")).click(position={"x": 2, "y": 2})
    wait_for_time(page, 0.0, 5.0)


def test_keys_alone_are_enough(page: Page) -> None:
    page.goto("/?q=sorting+memory+quicksort")
    page.keyboard.press("j")
    expect(page.locator(".moment").first.locator("a[data-title]")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_label("Player", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("[data-player]")).to_be_hidden()
    expect(page.locator(".moment").first.locator("a[data-title]")).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_role("combobox")).to_be_focused()


def test_hostile_texts_are_shown_and_never_run(page: Page) -> None:
    page.goto("/?q=lorries+crossing")
    page.get_by_text("Why this moment").first.click()
    expect(page.get_by_text("<script>window.hacked=1</script>").first).to_be_visible()
    page.locator(".moment a[data-title]").first.click()
    expect(page.locator("[data-player-title]")).to_contain_text("<script>")
    page.goto(f"/videos/{TRAFFIC}?kind=screen_text&q=%3Cimg+src%3Dx+onerror%3Dwindow.hacked%3D1%3E")
    expect(page.get_by_role("heading", level=1)).to_contain_text("<script>")
    page.goto("/?q=%22%3E%3Cscript%3Ewindow.hacked%3D1%3C%2Fscript%3E")


def test_everything_essential_works_without_scripts(browser: Browser, url: str) -> None:
    context = browser.new_context(base_url=url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.get_by_role("searchbox").fill("quicksort pivot")
    page.get_by_role("button", name="Search").first.click()
    page.locator(".moment h3 a").first.click()
    assert re.search(rf"/videos/{LECTURE}\?t=\d", page.url)
    assert re.search(r"#t=\d", page.locator("video").get_attribute("src") or "")
    page.goto("/library")
    expect(page.get_by_role("button", name="Upload")).to_be_visible()
    context.close()


def test_a_shared_link_opens_at_its_second_and_the_transcript_seeks_and_follows(page: Page) -> None:
    page.goto(f"/videos/{LECTURE}?t=12.5")
    wait_for_time(page, 12.4, 12.6)
    expect(page.locator("[data-lines] a[aria-current]")).to_contain_text("Merge sort")
    page.get_by_role("list", name="Lines").get_by_role("link", name=re.compile("Quicksort picks")).click()
    wait_for_time(page, 6.0, 11.0)
    assert "t=6.00" in page.url
    expect(page.locator("[data-lines] a[aria-current]")).to_contain_text("Quicksort")
    expect(page.locator("[data-chapter][aria-current]")).to_contain_text("Opening")


def test_an_answer_plays_what_it_cites(page: Page) -> None:
    page.goto("/")
    page.get_by_role("combobox").fill("What does merge sort need?")
    page.get_by_text("Answer", exact=True).click()
    page.wait_for_url("**mode=ask*")
    citation = page.locator("#citation-1 a")
    start = float(citation.get_attribute("data-start") or "nan")
    citation.click()
    wait_for_time(page, start - 0.1, start + 8)


def test_a_dropped_picture_searches(page: Page) -> None:
    page.goto("/")
    with page.expect_navigation():
        page.evaluate(
            """(bytes) => {
                const data = new DataTransfer();
                data.items.add(new File([new Uint8Array(bytes)], "red.jpg", { type: "image/jpeg" }));
                const box = document.querySelector("[data-searchbox]");
                box.dispatchEvent(new DragEvent("dragover", { dataTransfer: data, bubbles: true, cancelable: true }));
                box.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
            }""",
            list(jpeg()),
        )
    # no image-text engine is on this machine: the picture arrived, and the page says what is missing
    expect(page.get_by_role("main")).to_contain_text("image cannot be searched")


def test_what_is_typed_is_completed_with_keys_alone(page: Page) -> None:
    page.goto("/")
    box = page.get_by_role("combobox")
    below = page.locator(".options").bounding_box()
    page.keyboard.type("quick")
    options = page.get_by_role("option")
    expect(options.first).to_contain_text("Quicksort")
    assert page.locator(".options").bounding_box() == below  # nothing jumps
    expect(box).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    expect(box).to_have_attribute("aria-activedescendant", "suggestion-0")
    page.keyboard.press("Escape")
    expect(page.get_by_role("listbox")).to_be_hidden()
    expect(box).to_have_value("quick")
    page.keyboard.press("ArrowDown")
    expect(options.first).to_be_visible()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/?q=Quicksort*")
    expect(page.locator(".moment").first).to_contain_text("Quicksort")


def test_hostile_suggestions_are_shown_and_never_run(page: Page) -> None:
    page.goto("/")
    page.keyboard.type("traffic")
    expect(page.get_by_role("option").filter(has_text="<script>").first).to_be_visible()


def place_of(card: Locator) -> tuple[str | None, str | None]:
    """The video and the start of a result."""
    return card.get_attribute("data-video"), card.get_attribute("data-start")


def test_results_are_marked_undone_and_the_address_tells_all(page: Page) -> None:
    page.goto("/?q=quicksort+or+lorries&min_confidence=0.1")
    expect(page.locator(".moment").nth(1)).to_be_visible()
    wrong = page.locator(".moment").first
    gone = place_of(wrong)
    wrong.get_by_role("button", name="This is wrong").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**unlike=*")
    assert gone not in [place_of(card) for card in page.locator(".moment").all()]
    page.locator(".moment").first.get_by_role("button", name="This is right").click()
    page.wait_for_url(re.compile(r"[?&]like="))
    right = page.locator(".moment").first
    expect(right.get_by_role("button", name="This is right")).to_have_attribute("aria-pressed", "true")
    assert "mark=" not in page.url
    address = page.url
    page.goto("/library")
    page.goto(address)
    marks = page.get_by_role("group", name="What you marked")
    expect(marks.get_by_role("button", name=re.compile("^Undo"))).to_have_count(2)
    marks.get_by_role("button", name=re.compile("^Undo")).last.click()
    page.wait_for_url(lambda url: "unlike=" not in url)
    page.locator(".moment").first.get_by_role("button", name="This is right").click()
    page.wait_for_url(lambda url: "like=" not in url)
    assert place_of(page.locator(".moment").first) == gone
    page.locator(".moment").first.get_by_role("link", name="More like this").click()
    page.wait_for_url("**example=*")
    expect(page.get_by_role("main")).to_contain_text("More like")


@pytest.mark.parametrize(
    "path", ["/", "/?q=lorries+memory&min_confidence=0", "/library", f"/videos/{TRAFFIC}?q=lorries", "/api/docs"]
)
def test_no_page_scrolls_sideways(page: Page, path: str) -> None:
    page.goto(path)
    page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
    for width in (360, 390, 768, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert overflow <= 0, width


@pytest.fixture
def quiet(tmp_path: Path) -> Settings:
    """An empty data folder whose ingest needs no model."""
    off = {"visual": "off", "speech": "off", "screen_text": "off", "objects": "off", "vlm": "off"}
    return load_settings({"data": tmp_path / "quiet", "engines": off})


def test_an_upload_is_seen_through_to_the_end_without_reloading(
    browser: Browser, quiet: Settings, tmp_path: Path
) -> None:
    clip = make_clip(tmp_path / "Holiday <b>clip.mp4", seconds=6)
    with live_server(quiet) as url:
        context = browser.new_context(base_url=url)
        page = context.new_page()
        page.goto("/library")
        page.locator("#file").set_input_files(clip)
        expect(page.locator("[data-uploads]")).to_contain_text("uploaded, waiting to be indexed")
        job = page.locator("[data-job-list] li")
        expect(job).to_contain_text("Holiday _b_clip.mp4")
        expect(job).to_contain_text("Waiting")
        with Workspace.open(quiet) as workspace:
            run_next(workspace, threading.Event())
        expect(page.locator(".video-card")).to_contain_text("Ready", timeout=120_000)
        expect(page.locator("[data-jobs-card]")).to_be_hidden()
        context.close()


def test_a_failed_upload_shows_its_reason(browser: Browser, quiet: Settings, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"this is no video" * 100)
    spoilt = make_clip(tmp_path / "spoilt.mp4", seconds=2)
    with live_server(quiet) as url:
        context = browser.new_context(base_url=url)
        page = context.new_page()
        page.goto("/library")
        page.locator("#file").set_input_files([broken, spoilt])
        expect(page.locator("[data-uploads] .reason")).to_contain_text("broken.mp4: ")
        expect(page.locator("[data-job-list] li")).to_contain_text("spoilt.mp4")
        next(quiet.data.rglob("spoilt.mp4")).write_bytes(broken.read_bytes())
        with Workspace.open(quiet) as workspace:
            run_next(workspace, threading.Event())
        card = page.locator(".video-card")
        expect(card).to_contain_text("Failed", timeout=120_000)
        assert card.locator(".reason").inner_text().strip()
        card.get_by_role("button", name="Try again").click()
        expect(page.get_by_role("status")).to_contain_text("indexed again")
        context.close()


def test_progress_moves_while_a_job_runs(browser: Browser, quiet: Settings) -> None:
    with live_server(quiet) as url, open_catalogue(quiet) as catalogue:
        ledger = Ledger(catalogue, quiet.workers)
        ledger.enqueue("index", {"path": "/videos/long.mp4"}, "a")
        job = ledger.claim("worker")
        assert job is not None
        context = browser.new_context(base_url=url)
        page = context.new_page()
        page.goto("/library")
        row = page.locator("[data-job-list] li")
        for stage, words, fraction in (("frames", "Looking at the pictures", 0.5), ("speech", "Listening", 1.0)):
            ledger.progress(job, stage, fraction)
            expect(row).to_contain_text(words)
            assert page.locator("progress").evaluate("bar => bar.value") == pytest.approx(fraction)
        context.close()


def test_an_explanation_opens_by_key_and_its_bars_end_at_the_confidence(page: Page) -> None:
    page.goto("/?q=merge+sort+memory")
    page.keyboard.press("j")
    page.keyboard.press("e")
    panel = page.locator(".moment").first.locator(".waterfall")
    expect(panel).to_be_visible()
    ends = panel.evaluate(
        """table => {
            const bars = [...table.querySelectorAll("tbody rect:not(.back)")];
            const last = bars.at(-1), whole = table.querySelector("tfoot rect.whole");
            const number = (bar, name) => Number(bar.getAttribute(name) ?? 0);
            return [number(last, "x") + number(last, "width"), number(whole, "width")];
        }"""
    )
    assert ends[0] == pytest.approx(ends[1], abs=0.1)
    page.keyboard.press("e")
    expect(panel).to_be_hidden()


def test_the_strip_shows_where_the_query_is_met(page: Page) -> None:
    page.goto("/?q=merge+sort+memory")
    page.locator(".moment a[data-title]").first.click()
    curve = page.locator("[data-timeline] .saliency path")
    expect(curve).to_have_count(1)
    tops = curve.evaluate(
        """path => [...path.getAttribute("d").matchAll(/L([\\d.]+) ([\\d.]+)/g)].map(([, x, y]) => [+x, 1 - y])"""
    )
    peak = max(tops, key=lambda point: point[1])
    assert 12.0 <= peak[0] <= 18.0
    assert peak[1] > 0.5


def test_levels_are_switched_and_chapters_play_from_their_beginning(page: Page) -> None:
    page.goto("/?q=quicksort+pivot")
    switch = page.get_by_label("What to list")
    expect(switch.get_by_role("link", name="Moments")).to_have_attribute("aria-current", "true")
    switch.get_by_role("link", name="Chapters").click()
    page.wait_for_url("**level=chapters*")
    group = page.locator(".group").first
    expect(group.get_by_role("heading").first).to_contain_text("1. Opening")
    switch.get_by_role("link", name="Videos").click()
    page.wait_for_url("**level=videos*")
    expect(page.locator(".group h3").first).to_contain_text("A lecture about sorting")
    page.locator(".moment .crumbs a.chapter").first.click()
    expect(page.get_by_label("Player", exact=True)).to_be_visible()
    wait_for_time(page, 0.0, 5.5)


@pytest.mark.parametrize("path", ["/", "/?q=sorting+memory", "/?q=sorting+memory&level=videos", "/?q=zeppelin+airship"])
def test_everything_on_the_page_has_a_name_and_nothing_is_there_twice(page: Page, path: str) -> None:
    page.goto(path)
    page.evaluate("for (const details of document.querySelectorAll('details')) details.open = true")
    found = page.evaluate(
        """() => {
            const named = (item) => item.getAttribute("aria-label") || item.textContent.trim() || item.title
                || [...(item.labels ?? [])].some((label) => label.textContent.trim());
            const seen = (item) => item.checkVisibility() && !item.closest('[aria-hidden="true"]');
            const controls = [...document.querySelectorAll("a, button, input, select, summary")].filter(seen);
            const ids = [...document.querySelectorAll("[id]")].map((item) => item.id);
            const headings = [...document.querySelectorAll("h1, h2, h3, h4")].map((item) => Number(item.tagName[1]));
            return {
                unnamed: controls.filter((item) => !named(item)).map((item) => item.outerHTML),
                twice: ids.filter((id, at) => ids.indexOf(id) !== at),
                pictures: [...document.querySelectorAll("img:not([alt])")].length,
                tables: [...document.querySelectorAll("table")].filter((table) => !table.caption).length,
                first: headings[0],
                jumps: headings.filter((level, at) => at > 0 && level > headings[at - 1] + 1),
                styled: document.querySelectorAll("[style], style").length,
            };
        }"""
    )
    assert found == {"unnamed": [], "twice": [], "pictures": 0, "tables": 0, "first": 1, "jumps": [], "styled": 0}


def test_a_stretch_is_marked_with_keys_and_leaves_the_page(page: Page) -> None:
    page.goto(f"/videos/{LECTURE}?t=6")
    wait_for_time(page, 5.9, 6.1)
    page.keyboard.press("i")
    page.locator("[data-lines] a").nth(2).click()
    page.evaluate("document.querySelector('video').pause()")
    at = page.evaluate("document.querySelector('video').currentTime")
    page.locator("h1").click()
    page.keyboard.press("o")
    assert float(page.get_by_label("Clip from second").input_value()) == pytest.approx(6.0, abs=0.1)
    assert float(page.get_by_label("to", exact=True).input_value()) == pytest.approx(at, abs=0.3)
    expect(page.locator("[data-timeline] .cut")).to_be_visible()
    answer = page.request.get(page.get_by_role("link", name="Stretch as EDL").get_attribute("href") or "")
    assert answer.text().count("* FROM CLIP NAME") == 1
    page.keyboard.press(".")
    wait_for_time(page, at + 0.01, at + 1.0)
    page.keyboard.press("c")
    expect(page.locator("[data-copied]")).to_contain_text(re.compile(r"0:00:\d\d\.\d{3}"))
