"""Questions over HTTP: options, follow-ups, deep mode; and summaries."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient

from tests.support.web import LECTURE, SmallLibrary


def ask(client: FlaskClient, **body: object) -> dict:  # type: ignore[type-arg]
    answer = client.post("/api/v1/ask", json=body)
    assert answer.status_code == 200, answer.get_json()
    found = answer.get_json()
    assert isinstance(found, dict)
    return found


def spoken(client: FlaskClient) -> list[dict]:  # type: ignore[type-arg]
    """What the small library's lecture says, as its summary gives it."""
    found = client.get(f"/api/v1/videos/{LECTURE}/summary?length=long").get_json()
    assert isinstance(found["points"], list)
    return list(found["points"])


def test_an_option_is_chosen(client: FlaskClient) -> None:
    said = spoken(client)[0]["text"]
    answer = ask(client, question="What is said?", options=["Elephants fly over Venice tonight", said])
    assert answer["choice"] == 1
    assert answer["option_scores"][1] > answer["option_scores"][0]


def test_a_follow_up_stays_beside_the_answer_before_it(client: FlaskClient) -> None:
    points = spoken(client)
    first = points[0]
    history = [{"question": "How does it begin?", "citations": [{k: first[k] for k in ("video_id", "start", "end")}]}]
    answer = ask(client, question="And what comes after that?", history=history)
    assert not answer["abstained"]
    assert {item["video_id"] for item in answer["citations"]} == {LECTURE}
    assert all(item["start"] >= first["end"] - 0.5 for item in answer["citations"])


def test_deep_mode_tells_its_steps(client: FlaskClient) -> None:
    answer = ask(client, question="What is this lecture about?", video=[LECTURE], deep=True)
    assert [step["tool"] for step in answer["steps"]] == ["summarize"]
    assert answer["citations"]


def test_steps_come_as_events_before_the_answer(client: FlaskClient) -> None:
    reply = client.post(
        "/api/v1/ask",
        json={"question": "What is this lecture about?", "video": [LECTURE], "deep": True},
        headers={"Accept": "text/event-stream"},
    )
    events = [line.removeprefix("event: ") for line in reply.get_data(as_text=True).splitlines() if "event: " in line]
    assert events == ["step", "answer"]


@pytest.mark.parametrize(
    "body",
    [
        {"question": "x", "options": ["one"]},
        {"question": "x", "options": ["y"] * 27},
        {"question": "x", "history": [{"answer": "no question"}]},
        {"question": "x", "history": [{"question": "q", "citations": [{"video_id": "../x", "start": 0, "end": 1}]}]},
        {"question": "x", "deep": True, "steps": [{"arguments": {}}]},
    ],
)
def test_a_malformed_question_is_refused(client: FlaskClient, body: dict) -> None:  # type: ignore[type-arg]
    answer = client.post("/api/v1/ask", json=body)
    assert answer.status_code in (400, 422)
    assert json.loads(answer.data)["detail"]


def test_a_summary_cites_its_sentences(client: FlaskClient, small_library: SmallLibrary) -> None:
    found = client.get(f"/api/v1/videos/{LECTURE}/summary?length=short").get_json()
    assert found["engine"] == "extractive"
    assert found["text"].count("[") == len(found["citations"]) == len(found["points"]) > 0
    assert found["videos"] == {LECTURE: client.get(f"/api/v1/videos/{LECTURE}").get_json()["title"]}


def test_a_summary_of_a_search(client: FlaskClient) -> None:
    words = " ".join(spoken(client)[0]["text"].split()[:6])
    found = client.get("/api/v1/summary", query_string={"q": words}).get_json()
    assert LECTURE in found["videos"]
    assert found["points"]


def test_a_summary_of_nothing_is_refused(client: FlaskClient) -> None:
    assert client.get("/api/v1/summary").status_code in (400, 422)
    assert client.get(f"/api/v1/videos/{'c' * 32}/summary").status_code == 404


def test_the_page_lets_one_ask_further(client: FlaskClient) -> None:
    first = client.get("/", query_string={"mode": "ask", "q": "What is said about quicksort?"}).get_data(as_text=True)
    assert 'name="before"' in first
    at = first.split('name="at" value="', 1)[1].split('"', 1)[0]
    assert at.startswith(f"{LECTURE}@")
    further = {"mode": "ask", "q": "And what comes after that?", "before": "What is said about quicksort?", "at": at}
    page = client.get("/", query_string=further)
    assert page.status_code == 200
    assert "No answer" not in page.get_data(as_text=True)
    gone = further | {"at": f"{'c' * 32}@0-5,nonsense"}
    assert client.get("/", query_string=gone).status_code == 200, "places that are gone are left out"


def test_the_page_of_a_video_has_it_in_short(client: FlaskClient) -> None:
    page = client.get(f"/videos/{LECTURE}").get_data(as_text=True)
    assert "In short" in page
    assert spoken(client)[0]["text"][:20] in page
