from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from library.catalogue import open_catalogue
from library.ledger import Ledger
from reelseek.settings import Settings
from tests.support.web import HOSTILE_LINE, HOSTILE_TITLE, LECTURE, TRAFFIC, SmallLibrary, jpeg, wav


def test_a_search_finds_the_sentence_and_says_why(client: FlaskClient) -> None:
    found = client.get("/api/v1/search?q=quicksort+pivot").json
    first = found["moments"][0]
    assert first["video_id"] == LECTURE
    assert first["start"] <= 7.0 < first["end"] <= 24.0
    assert "speech" in first["channels"]
    assert any("pivot" in piece["text"] for piece in first["evidence"])
    assert client.get(first["thumbnail"]).mimetype == "image/jpeg"
    assert set(found) >= {"query", "took_ms", "channels", "moments", "near_misses", "notes"}


def test_a_search_is_narrowed_to_videos_and_to_k(client: FlaskClient) -> None:
    elsewhere = client.get(f"/api/v1/search?q=quicksort+pivot&video={TRAFFIC}").json
    assert {item["video_id"] for item in elsewhere["moments"] + elsewhere["near_misses"]} <= {TRAFFIC}
    assert len(client.get("/api/v1/search?q=sorting+memory+quicksort&k=1&min_confidence=0").json["moments"]) == 1
    inside = client.get(f"/api/v1/videos/{LECTURE}/moments?q=memory").json
    assert inside["moments"][0]["start"] >= 6.0


def test_highlight_scores_follow_what_is_asked(client: FlaskClient) -> None:
    found = client.get(f"/api/v1/videos/{LECTURE}/saliency?q=memory").json
    moment = client.get(f"/api/v1/videos/{LECTURE}/moments?q=memory").json["moments"][0]
    assert found["step"] == 2.0
    best = found["scores"].index(max(found["scores"])) * found["step"]
    assert moment["start"] - 2.0 < best < moment["end"]
    assert client.get(f"/api/v1/videos/{'0' * 32}/saliency?q=memory").status_code == 404
    assert client.get(f"/api/v1/videos/{LECTURE}/saliency?q=").status_code == 422


def test_moments_explain_themselves_and_say_where_they_are(client: FlaskClient) -> None:
    moment = client.get("/api/v1/search?q=merge+sort+memory").json["moments"][0]
    assert sum(part["gain"] for part in moment["contributions"]) == pytest.approx(moment["confidence"], abs=1e-3)
    assert {"channel", "kind", "rank", "raw", "calibrated", "weight", "gain", "asked"} == set(
        moment["contributions"][0]
    )
    assert moment["place"]["chapter"] == {"number": 2, "title": "Memory --> cost", "start": 12.0, "end": 24.0}
    assert (moment["place"]["segment"], moment["place"]["segments"]) == (3, 4)
    assert moment["shortfall"] == ""
    missed = client.get("/api/v1/search?q=merge+sort+memory&min_confidence=1").json["near_misses"][0]
    assert "under the cut-off of 100 %" in missed["shortfall"]


def test_results_come_as_chapters_or_videos(client: FlaskClient) -> None:
    found = client.get("/api/v1/search?q=quicksort+pivot&level=chapters").json
    assert found["groups"][0]["chapter"]["title"] == "Opening"
    assert found["moments"] == [moment for group in found["groups"] for moment in group["moments"]]
    videos = client.get("/api/v1/search?q=quicksort+pivot&level=videos").json
    assert [(group["video_id"], group["chapter"]) for group in videos["groups"]] == [(LECTURE, None)]
    assert client.get("/api/v1/search?q=x&level=scenes").status_code == 422


def test_nothing_that_fits_is_an_answer(client: FlaskClient) -> None:
    found = client.get('/api/v1/search?q="a submarine in the desert"').json
    assert found["moments"] == []


def test_a_picture_without_an_engine_for_pictures_is_told(client: FlaskClient) -> None:
    response = client.post("/api/v1/search", data={"image": (io.BytesIO(jpeg()), "red.jpg")})
    assert response.status_code == 503
    assert response.json["type"].endswith("engine-unavailable")


@pytest.mark.parametrize(
    "content", [b"", b"no picture", b"\x89PNG\r\n\x1a\nbroken", b"<svg xmlns='http://www.w3.org/2000/svg'/>"]
)
def test_what_is_no_picture_is_refused(client: FlaskClient, content: bytes) -> None:
    response = client.post("/api/v1/search", data={"image": (io.BytesIO(content), "x.png")})
    assert response.status_code == 422
    assert response.mimetype == "application/problem+json"


def test_an_answer_cites_what_was_said(client: FlaskClient) -> None:
    answer = client.post("/api/v1/ask", json={"question": "What does merge sort need?"}).json
    assert not answer["abstained"]
    assert answer["engine"] == "extractive"
    assert any(item["video_id"] == LECTURE and "memory" in item["quote"] for item in answer["citations"])


def test_an_answer_can_be_streamed(client: FlaskClient) -> None:
    response = client.post(
        "/api/v1/ask", json={"question": "What does merge sort need?"}, headers={"Accept": "text/event-stream"}
    )
    assert response.mimetype == "text/event-stream"
    events = [block.split("\n", 1) for block in response.text.strip().split("\n\n")]
    assert events[-1][0] == "event: answer"
    assert json.loads(events[-1][1].removeprefix("data: "))["citations"]


def test_a_streamed_answer_that_fails_ends_with_its_problem(client: FlaskClient) -> None:
    response = client.post(
        "/api/v1/ask", json={"question": "What?", "video": ["0" * 32]}, headers={"Accept": "text/event-stream"}
    )
    assert response.text.startswith("event: problem\ndata: ")
    assert '"status": 404' in response.text.replace('"status":404', '"status": 404')


def test_videos_are_listed_filtered_and_paged(client: FlaskClient) -> None:
    listed = client.get("/api/v1/videos").json
    assert listed["total"] == 2
    assert {video["video_id"] for video in listed["videos"]} == {LECTURE, TRAFFIC}
    assert all(video["state"] == "indexed" and video["playable"] for video in listed["videos"])
    assert client.get("/api/v1/videos?q=lecture").json["total"] == 1
    assert client.get("/api/v1/videos?state=failed").json["total"] == 0
    pages = [client.get(f"/api/v1/videos?per_page=1&page={page}").json["videos"] for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [1, 1, 0]
    assert pages[0] != pages[1]


def test_one_video_tells_what_was_found(client: FlaskClient) -> None:
    lecture = client.get(f"/api/v1/videos/{LECTURE}").json
    assert [chapter["title"] for chapter in lecture["chapters"]] == ["Opening", "Memory --> cost"]
    assert "Quicksort" in lecture["segment_list"][1]["speech"]
    assert lecture["channels"]["visual"] is None
    traffic = client.get(f"/api/v1/videos/{TRAFFIC}").json
    assert traffic["title"] == HOSTILE_TITLE
    assert traffic["segment_list"][1]["object_counts"] == {"car": 3, "lorry": 2}
    assert traffic["segment_list"][1]["screen_text"] == HOSTILE_LINE


def test_a_folder_is_watched_scanned_and_let_go(fresh: FlaskClient, tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    added = fresh.post("/api/v1/libraries", json={"path": str(folder)})
    assert added.status_code == 201
    number = added.json["library_id"]
    assert [item["path"] for item in fresh.get("/api/v1/libraries").json["libraries"]] == [str(folder)]
    jobs = fresh.get("/api/v1/jobs?state=active").json["jobs"]
    assert [(job["kind"], job["what"]) for job in jobs] == [("scan", "Scan of clips")]
    assert fresh.post(f"/api/v1/libraries/{number}/scan").status_code == 202
    assert fresh.post("/api/v1/libraries", json={"path": str(folder)}).status_code == 409
    assert fresh.delete(f"/api/v1/libraries/{number}").status_code == 204
    assert fresh.delete(f"/api/v1/libraries/{number}").status_code == 404


@pytest.mark.parametrize("path", ["relative/folder", "/no/such/folder", "\0", ""])
def test_what_is_no_folder_is_refused(fresh: FlaskClient, path: str) -> None:
    assert fresh.post("/api/v1/libraries", json={"path": path}).status_code == 422


def test_jobs_show_stage_fraction_and_failure_and_can_be_tried_again(fresh: FlaskClient, settings: Settings) -> None:
    with open_catalogue(settings) as catalogue:
        ledger = Ledger(catalogue, settings.workers)
        ledger.enqueue("index", {"path": "/videos/a.mp4"}, "a")
        job = ledger.claim("worker")
        assert job is not None
        ledger.progress(job, "speech", 0.25)
        running = fresh.get("/api/v1/jobs?state=running").json["jobs"][0]
        assert (running["what"], running["stage"], running["fraction"]) == ("a.mp4", "speech", 0.25)
        assert running["stage_name"] == "Listening"
        ledger.fail(job, "It is no video.")
    failed = fresh.get("/api/v1/jobs?state=failed").json["jobs"][0]
    assert failed["error"] == "It is no video."
    assert fresh.post(f"/api/v1/jobs/{failed['job_id']}/retry").json["state"] == "queued"
    assert fresh.post(f"/api/v1/jobs/{failed['job_id']}/retry").status_code == 409


def test_a_person_tags_a_video_and_lists_by_tag(fresh: FlaskClient, settings: Settings, tmp_path: Path) -> None:
    with open_catalogue(settings) as catalogue:
        (tmp_path / "talk.mp4").write_bytes(b"x")
        video = catalogue.mark_failed(tmp_path / "talk.mp4", "It is no video.")
    tagged = fresh.put(f"/api/v1/videos/{video.video_id}/tags", json={"tags": ["Work", "work ", "2026"]})
    assert tagged.json["tags"] == ["2026", "work"]
    assert fresh.get("/api/v1/videos?tag=WORK").json["total"] == 1
    assert fresh.get("/api/v1/videos?tag=home").json["videos"] == []
    assert fresh.put(f"/api/v1/videos/{'0' * 32}/tags", json={"tags": []}).status_code == 404
    page = fresh.post(f"/videos/{video.video_id}/tags", data={"tags": "home, travel,"}, follow_redirects=True).text
    assert 'href="/library?tag=travel"' in page
    assert "talk" in fresh.get("/library?tag=home").text


def test_a_removed_video_is_gone_and_an_upload_is_deleted_with_it(
    fresh: FlaskClient, settings: Settings, tmp_path: Path
) -> None:
    uploaded = fresh.post("/api/v1/videos", data={"file": (io.BytesIO(wav()), "mine.wav")})
    kept = settings.data / "uploads" / uploaded.json["name"]
    with open_catalogue(settings) as catalogue:
        mine = catalogue.mark_failed(kept, "It is no video.")
        watched = tmp_path / "watched"
        watched.mkdir()
        (watched / "theirs.mp4").write_bytes(b"x")
        library = catalogue.add_library(watched)
        theirs = catalogue.mark_failed(watched / "theirs.mp4", "It is no video.", library_id=library.library_id)
    assert fresh.delete(f"/api/v1/videos/{mine.video_id}").status_code == 204
    assert not kept.exists()
    assert fresh.get(f"/api/v1/videos/{mine.video_id}").status_code == 404
    assert fresh.delete(f"/api/v1/videos/{theirs.video_id}").status_code == 409
    assert (watched / "theirs.mp4").exists()


def test_the_status_names_each_kind_of_engine_and_what_is_lost(client: FlaskClient) -> None:
    status = client.get("/api/v1/status").json
    kinds = {engine["kind"]: engine for engine in status["engines"]}
    assert set(kinds) == {
        "visual",
        "sentence",
        "speech",
        "speakers",
        "sounds",
        "screen_text",
        "objects",
        "rerank",
        "vlm",
    }
    assert kinds["sentence"]["state"] == "ready"
    assert kinds["visual"]["engine"] is None
    assert kinds["visual"]["loses"]
    assert status["videos"] == 2


def test_health_and_readiness(client: FlaskClient) -> None:
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").json == {"status": "ready"}


def test_an_index_that_cannot_be_read_is_not_ready(small_library: SmallLibrary, tmp_path: Path) -> None:
    from reelseek.settings import load_settings
    from web.app import create_app

    settings = load_settings({"data": tmp_path / "damaged"})
    settings.index_path.parent.mkdir(parents=True)
    settings.index_path.write_text("a file where a folder belongs")
    app = create_app(settings)
    response = app.test_client().get("/readyz")
    app.extensions["reelseek"].close()
    assert response.status_code in (503, 507)
    assert response.mimetype == "application/problem+json"


def test_objects_are_listed_with_their_times_and_counts(client: FlaskClient) -> None:
    found = client.get(f"/api/v1/videos/{TRAFFIC}/objects").json
    assert [(item["label"], item["start"], item["end"]) for item in found["tracks"]] == [
        ("car", 0.0, 6.0), *[("car", 6.0, 12.0)] * 3, *[("lorry", 6.0, 12.0)] * 2, ("person", 18.0, 24.0),
    ]  # fmt: skip
    assert found["counts"]["car"] == [
        {"time": 0.0, "count": 1}, {"time": 6.0, "count": 3}, {"time": 12.0, "count": 0},
    ]  # fmt: skip
    first = found["tracks"][0]
    assert (first["entered"], first["left"]) == ("left", "right")
    assert first["path"][0]["box"] == {"left": 0.0, "top": 0.4, "right": 0.2, "bottom": 0.6}
    lorries = client.get(f"/api/v1/videos/{TRAFFIC}/objects?label=lorry&start=0&end=20").json
    assert [item["label"] for item in lorries["tracks"]] == ["lorry", "lorry"]
    assert set(lorries["counts"]) == {"lorry"}
    assert client.get(f"/api/v1/videos/{TRAFFIC}/objects?start=20").json["tracks"][0]["label"] == "person"
    assert client.get(f"/api/v1/videos/{LECTURE}/objects").json == {"tracks": [], "counts": {}}
    assert client.get(f"/api/v1/videos/{'0' * 32}/objects").status_code == 404
    assert client.get(f"/api/v1/videos/{TRAFFIC}/objects?colour=red").status_code == 422


def test_a_search_finds_who_enters(client: FlaskClient) -> None:
    (moment,) = client.get("/api/v1/search?q=object:person:enters:left").json["moments"]
    assert (moment["video_id"], moment["start"], moment["end"]) == (TRAFFIC, 18.0, 21.0)
    assert moment["evidence"][0]["text"] == "person enters at 0:18 from the left"
