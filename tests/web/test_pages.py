from __future__ import annotations

import io
import re
import threading
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from library.catalogue import open_catalogue
from library.ledger import Ledger
from reelseek.settings import Settings
from tests.support.web import LECTURE, SCRIPT, TRAFFIC, jpeg

HOSTILE_QUERY = '"><script>window.hacked=1</script> lorries'


class Tags(HTMLParser):
    """Every element with its attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def test_the_first_page_says_how_many_videos_there_are_and_has_a_search_box(client: FlaskClient) -> None:
    page = client.get("/").text
    assert "2 videos can be searched" in page
    fields = [field for field in Tags(page).named("input") if field.get("name") == "q"]
    assert [field["type"] for field in fields][:1] == ["search"]


def test_an_empty_library_says_what_to_do(fresh: FlaskClient) -> None:
    assert "Add videos" in fresh.get("/").text
    library = fresh.get("/library").text
    assert "The library is empty" in library
    assert "reelseek index FOLDER" in library
    assert "No video is indexed yet" in fresh.get("/?q=anything").text


def test_moments_come_with_time_badge_reason_and_marked_words(client: FlaskClient) -> None:
    page = client.get("/?q=quicksort+pivot").text
    assert "<mark>Quicksort</mark>" in page
    assert "<mark>pivot</mark>" in page
    assert 'class="badge speech"' in page
    assert "Why this moment" in page
    link = re.search(rf'href="(/videos/{LECTURE}\?t=[^"]+)" data-play', page)
    assert link
    assert client.get(link.group(1).replace("&amp;", "&")).status_code == 200


def test_nothing_found_is_said_with_the_near_misses(client: FlaskClient) -> None:
    page = client.get("/", query_string={"q": '"submarine desert"'}).text
    assert "Nothing in the library matches" in page


def test_near_misses_are_only_shown_where_they_come_near(client: FlaskClient) -> None:
    found = client.get("/api/v1/search", query_string={"q": "memory of an elephant"}).json
    near = [moment for moment in found["near_misses"] if moment["confidence"] >= 0.05]
    page = client.get("/", query_string={"q": "memory of an elephant"}).text
    assert page.count('class="card moment"') == len(found["moments"]) + len(near)


def test_a_video_without_sound_says_so_in_the_place_of_its_transcript(client: FlaskClient) -> None:
    assert "This video has no sound." in client.get(f"/videos/{TRAFFIC}").text
    assert "This video has no sound." not in client.get(f"/videos/{LECTURE}").text


def test_an_answer_has_links_to_what_it_cites(client: FlaskClient) -> None:
    page = client.get("/?mode=ask&q=What+does+merge+sort+need%3F").text
    assert 'id="citation-1"' in page
    assert f"/videos/{LECTURE}?t=" in page
    assert "without a language model" in page


@pytest.mark.parametrize(
    "path",
    [
        f"/?q={HOSTILE_QUERY}",
        f"/?q={HOSTILE_QUERY}&mode=ask",
        "/?q=lorries+crossing",
        "/library",
        f"/library?q={HOSTILE_QUERY}",
        f"/videos/{TRAFFIC}",
        f"/videos/{TRAFFIC}?q=lorries&kind=screen_text&t={SCRIPT}",
        f"/videos/{TRAFFIC}?q={HOSTILE_QUERY}",
        "/api/docs",
        f"/{SCRIPT}",
    ],
)
def test_no_text_of_others_becomes_markup(client: FlaskClient, path: str) -> None:
    page = client.get(path, headers={"Accept": "text/html"}).text
    assert "<script>" not in page
    tags = Tags(page)
    assert all(script.get("src", "").startswith("/static/") for script in tags.named("script"))
    for _, attributes in tags.found:
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        assert not (attributes.get("href") or "").lower().startswith("javascript:")
    assert all(image.get("src") != "x" for image in tags.named("img"))


def test_what_the_search_found_is_shown_escaped_and_marked(client: FlaskClient) -> None:
    page = client.get("/?q=lorries+crossing").text
    assert "<mark>lorries</mark>" in page
    assert "&lt;script&gt;" in page


def test_the_video_page_holds_player_transcript_chapters_objects(client: FlaskClient) -> None:
    page = client.get(f"/videos/{LECTURE}?t=12.5").text
    assert f'src="/api/v1/videos/{LECTURE}/media#t=12.50"' in page
    assert "Merge sort needs additional memory." in page
    assert "Memory --&gt; cost" in page
    assert "O(n log n)" in client.get(f"/videos/{LECTURE}?kind=screen_text").text
    traffic = client.get(f"/videos/{TRAFFIC}").text
    assert re.search(r"car <span class=\"muted\">× 3</span>", traffic)
    assert "Speech" in traffic or "said" in traffic


@pytest.mark.parametrize("time", ["abc", "-5", "nan", "1e999", ""])
def test_a_bad_time_in_a_link_is_the_beginning(client: FlaskClient, time: str) -> None:
    page = client.get(f"/videos/{LECTURE}?t={time}")
    assert page.status_code == 200
    assert "#t=" not in page.text


def test_search_inside_a_video(client: FlaskClient) -> None:
    page = client.get(f"/videos/{LECTURE}?q=memory").text
    assert "<mark>memory</mark>" in page
    assert f'data-video="{LECTURE}"' in page


def test_what_is_off_and_what_the_demo_models_know_is_said(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from web.app import create_app

    app = create_app(settings)
    monkeypatch.setattr(
        "web.pages.engine_payloads",
        lambda _: [
            {"kind": "visual", "title": "Pictures", "state": "ready", "engine": "openclip:demo",
             "note": "knows only the demo's drawn scenes", "reason": "", "fix": "", "loses": "", "missed": False},
            {"kind": "speech", "title": "Speech", "state": "missing-weights", "engine": None, "note": "",
             "reason": "no weights", "fix": "reelseek models pull speech", "loses": "what is said",
             "missed": True},
        ],
    )  # fmt: skip
    client = app.test_client()
    for path in ("/", "/library", "/?q=red"):
        page = client.get(path).text
        assert "<code>openclip:demo</code> knows only the demo&#39;s drawn scenes." in page, path
        assert "One channel is off: Speech" in page
        assert "Lost: what is said." in page
        assert "reelseek models pull speech" in page
    app.extensions["reelseek"].close()


def test_a_picture_is_searched_from_the_form(client: FlaskClient) -> None:
    response = client.post(
        "/search-by-picture", data={"image": (io.BytesIO(jpeg()), "red.jpg")}, headers={"Accept": "text/html"}
    )
    assert response.status_code == 503
    assert "image cannot be searched" in response.text


def test_the_library_page_shows_progress_and_failures_with_their_reason(fresh: FlaskClient, settings: Settings) -> None:
    with open_catalogue(settings) as catalogue:
        catalogue.mark_failed("/videos/broken <b>.mp4", "It is no video: <i>moov</i> atom not found.")
        ledger = Ledger(catalogue, settings.workers)
        ledger.enqueue("index", {"path": "/videos/new.mp4"}, "a")
        job = ledger.claim("worker")
        assert job is not None
        ledger.progress(job, "speech", 0.5)
    page = fresh.get("/library").text
    assert "It is no video: &lt;i&gt;moov&lt;/i&gt; atom not found." in page
    assert "broken &lt;b&gt;" in page
    assert "Listening" in page
    assert '<progress max="1" value="0.5" aria-label="new.mp4">' in page


def test_folders_are_managed_from_the_page(fresh: FlaskClient, tmp_path: Path) -> None:
    folder = tmp_path / "clips & more"
    folder.mkdir()
    fresh.post("/library/folders", data={"path": str(folder)})
    page = fresh.get("/library").text
    assert "Watching clips &amp; more" in page
    assert "clips &amp; more</strong>" in page
    fresh.post("/library/folders/1/scan")
    fresh.post("/library/folders/1/remove")
    assert "No folder is watched" in fresh.get("/library").text
    fresh.post("/library/folders", data={"path": "nowhere"})
    assert "is no folder on this server" in fresh.get("/library").text


@pytest.mark.parametrize("path", ["/", "/?q=memory", "/library", f"/videos/{LECTURE}?q=memory", "/login", "/api/docs"])
def test_every_field_has_a_label_every_picture_a_text_and_every_id_is_one(client: FlaskClient, path: str) -> None:
    tags = Tags(client.get(path).text)
    labelled = {label.get("for") for label in tags.named("label")}
    for field in tags.named("input") + tags.named("select"):
        if field.get("type") not in ("hidden", "radio"):
            assert field.get("id") in labelled or field.get("aria-label"), field
    assert all("alt" in image for image in tags.named("img"))
    ids = [attributes["id"] for _, attributes in tags.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert tags.named("html")[0]["lang"] == "en"


def channel(value: int) -> float:
    part = value / 255
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def luminance(colour: tuple[float, float, float]) -> float:
    red, green, blue = (channel(round(value)) for value in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    light, dark = sorted((luminance(first), luminance(second)), reverse=True)  # type: ignore[arg-type]
    return (light + 0.05) / (dark + 0.05)


def themes() -> list[dict[str, tuple[float, float, float]]]:
    css = (Path(__file__).resolve().parents[2] / "web/static/css/base.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", css, re.DOTALL)
    assert len(blocks) == 2
    return [
        {
            name: (int(value[:2], 16), int(value[2:4], 16), int(value[4:], 16))
            for name, value in re.findall(r"--([\w]+(?:-\w+)*): #([0-9a-f]{6});", block)
        }
        for block in blocks
    ]


@pytest.mark.parametrize("theme", themes(), ids=["light", "dark"])
def test_text_stands_out_from_its_ground(theme: dict[str, tuple[float, float, float]]) -> None:
    for ground in ("bg", "surface", "raised"):
        for ink in ("ink", "muted", "accent", "bad", "good"):
            assert contrast(theme[ink], theme[ground]) >= 4.5, (ink, ground)
    assert contrast(theme["accent-ink"], theme["accent"]) >= 4.5
    assert contrast(theme["ink"], theme["mark"]) >= 4.5
    assert contrast(theme["ink"], theme["warn-soft"]) >= 4.5
    for tint in ("visual", "speech", "screen_text", "objects", "caption", "title"):
        badge = tuple(0.1 * ink + 0.9 * paper for ink, paper in zip(theme[tint], theme["surface"], strict=True))
        assert contrast(theme[tint], badge) >= 4.5, tint


def test_while_the_models_are_loaded_the_page_says_that_the_first_search_waits(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = client.application.extensions["reelseek"]
    loaded = threading.Event()
    monkeypatch.setattr(type(backend.service), "warm", lambda service: loaded.wait(60))
    loading = backend.warm()
    try:
        assert "still being loaded" in client.get("/").text
    finally:
        loaded.set()
        loading.join()
    assert "still being loaded" not in client.get("/").text


def test_the_page_of_a_video_shows_when_objects_are_seen(client: FlaskClient) -> None:
    page = client.get(f"/videos/{TRAFFIC}").text
    lanes = page[page.index('class="lanes"') : page.index("Comings and goings")]
    assert lanes.index(">car") < lanes.index(">person"), "what is seen longest comes first"
    assert 'data-seek="6.0" aria-label="3 × car, 0:06 – 0:12"' in lanes
    assert "person enters from the left" in page
    assert "Comings and goings" not in client.get(f"/videos/{LECTURE}").text
