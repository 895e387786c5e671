"""Question files of long-video benchmarks: read in each form, asked of the product, gone on with, and scored."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.evaluation.predictions import Given, PredictionFile
from bench.evaluation.question_runs import (
    answer_questions,
    files_of,
    question_figures,
    run_made_with,
    videos_of,
)
from bench.evaluation.questions import Question, QuestionFile, read_questions
from query.service import QueryService, open_service
from reelseek.errors import Conflict, InvalidRequest, NotFound
from reelseek.records import JsonObject
from reelseek.settings import load_settings
from tests.bench.corpora import lines_of
from tests.query.conftest import NO_MODELS, with_model
from tests.support.query_world import COOKING, LECTURE, World
from tests.support.scripted_chat import ScriptedChat
from tests.support.vlm_checkpoint import write_vlm

TALK, BREAD = "Lecture on gradient descent", "Grandmother bakes bread"
OVEN, HEATS = "How hot should the oven be?", ("100 degrees", "230 degrees", "45 degrees", "500 degrees")
STEPS = "What happens if the steps are too large?"
JUMPS = ("The loss jumps around and never settles.", "The bread burns.", "Nobody comes.", "It rains.")
ABSENT = "Who wins the chess tournament?"


def longvideobench(folder: Path) -> Path:
    """As `lvb_val.json`: any number of candidates, the right one by its place."""
    shared = {
        "topic_category": "KS-Knowledge-STEM",
        "level": "L1-Perception",
        "starting_timestamp_for_subtitles": 0,
        "view_count": 7,
        "position": [200, 300],
    }
    rows = [
        {"video_id": BREAD, "question": OVEN, "question_wo_referring_query": OVEN, "candidates": list(HEATS),
         "correct_choice": 1, "question_category": "T2A", "id": "bread_0", "video_path": f"{BREAD}.mp4",
         "subtitle_path": "bread_en.json", "duration_group": 600, "duration": 90.0, **shared},
        {"video_id": TALK, "question": STEPS, "question_wo_referring_query": STEPS, "candidates": [*JUMPS, "It stops."],
         "correct_choice": 0, "question_category": "E3E", "id": "talk_0", "video_path": f"{TALK}.mp4",
         "subtitle_path": "talk_en.json", "duration_group": 600, "duration": 120.0, **shared},
        {"video_id": "86CxyhFV9MI", "question": ABSENT, "candidates": ["Ann", "Bo"], "correct_choice": 0,
         "question_category": "T2A", "id": "chess_0", "video_path": "86CxyhFV9MI.mp4", "duration_group": 15, **shared},
    ]  # fmt: skip
    return written(folder / "lvb_val.json", rows)


def video_mme_rows() -> list[JsonObject]:
    """As the published table: lettered options, the file named by `videoID`."""
    rows = []
    for number, (video, question, options, answer) in enumerate(
        [(BREAD, OVEN, HEATS, "B"), (TALK, STEPS, JUMPS, "A"), ("fFjv93ACGo8", ABSENT, ("Ann", "Bo", "Cy", "Di"), "C")]
    ):
        rows.append(
            {
                "video_id": f"00{number}", "duration": ("short", "medium", "long")[number], "domain": "Knowledge",
                "sub_category": "Technology", "url": f"https://www.youtube.com/watch?v={video}", "videoID": video,
                "question_id": f"00{number}-1", "task_type": "OCR Problems", "question": question,
                "options": [f"{letter}. {text}" for letter, text in zip("ABCD", options, strict=True)],
                "answer": answer,
            }
        )  # fmt: skip
    return rows


def video_mme_table(folder: Path) -> Path:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.Table.from_pylist(video_mme_rows()), folder / "test-00000-of-00001.parquet")
    return folder / "test-00000-of-00001.parquet"


def video_mme_json(folder: Path) -> Path:
    """As the scorer's template: a list of videos with their questions."""
    videos = []
    for row in video_mme_rows():
        asked = {name: row[name] for name in ("question_id", "task_type", "question", "answer")}
        videos.append(
            {
                "video_id": row["videoID"],
                "duration_category": row["duration"],
                "video_category": row["domain"],
                "video_subcategory": row["sub_category"],
                "questions": [{**asked, "choices": row["options"], "response": ""}],
            }
        )
    return written(folder / "output_test_template.json", videos)


def mlvu(folder: Path) -> Path:
    """As the dev set's `1_plotQA.json`: no ids, the answer in words."""
    rows = [
        {"video": f"{BREAD}.mp4", "duration": 90, "question": OVEN, "candidates": list(HEATS),
         "answer": "230 degrees", "question_type": "plotQA"},
        {"video": f"{TALK}.mp4", "duration": 120.5, "question": STEPS, "candidates": list(JUMPS),
         "answer": JUMPS[0], "question_type": "plotQA"},
        {"video": "movie101_66.mp4", "duration": 4000, "question": ABSENT, "candidates": ["Ann", "Bo", "Cy", "Di"],
         "answer": "Bo", "question_type": "plotQA"},
    ]  # fmt: skip
    return written(folder / "1_plotQA.json", rows)


def lvbench(folder: Path) -> Path:
    """As `video_info.meta.jsonl`: a video a line, options inside the question, the place of the answer."""

    def line(video: str, uid: str, question: str, options: tuple[str, ...], answer: str, place: str) -> JsonObject:
        listed = "".join(f"\n({letter}) {text}" for letter, text in zip("ABCD", options, strict=False))
        return {
            "key": video, "type": "cartoon",
            "video_info": {"duration_minutes": 90.2, "fps": 25.0, "resolution": {"width": 640, "height": 360}},
            "qa": [{"uid": uid, "question": question + listed, "answer": answer,
                    "question_type": ["key information retrieval", "reasoning"], "time_reference": place}],
        }  # fmt: skip

    return lines_of(
        folder / "video_info.meta.jsonl",
        [
            line(BREAD, "17", OVEN, HEATS, "B", "00:38-00:47"),
            line(TALK, "18", STEPS, JUMPS, "A", "01:00:05-01:00:09"),
            line("Cm73ma6Ibcs", "19", ABSENT, ("Ann", "Bo", "Cy", "Di"), "D", "00:15"),
        ],
    )


def written(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value, indent=2), encoding="utf-8")
    return path


Form = Callable[[Path], Path]
FORMS: dict[str, Form] = {
    "LongVideoBench": longvideobench,
    "Video-MME table": video_mme_table,
    "Video-MME": video_mme_json,
    "MLVU": mlvu,
    "LVBench": lvbench,
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("questions")
    settings = load_settings({"data": folder / "data", "engines": NO_MODELS})
    made = World(settings, folder / "films", (LECTURE, COOKING))
    yield made
    made.close()


def run(service: QueryService, file: QuestionFile, out: Path, **options: bool) -> JsonObject:
    """Everything that `reelseek eval --qa` does with a file."""
    videos = videos_of(file.questions, service.catalogue.videos())
    made_with = run_made_with(service, file, deep=options.get("deep", False))
    with PredictionFile(out, made_with) as predictions:
        answer_questions(service, file.questions, videos, predictions, **options)
    return question_figures(file, file.questions, predictions.given)


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_read_asked_and_scored_without_a_model(name: str, world: World, tmp_path: Path) -> None:
    file = read_questions(FORMS[name](tmp_path))
    assert file.form == name.removesuffix(" table")
    bread, talk, absent = file.questions
    assert (bread.question, bread.options, bread.correct) == (OVEN, HEATS, 1)
    assert (talk.question, talk.options[:4], talk.correct) == (STEPS, JUMPS, 0)
    figures = run(world.service, file, tmp_path / "out.jsonl")
    assert (figures["questions"], figures["asked"], figures["without_video"]) == (3, 2, 1)
    assert (figures["answered"], figures["by_words"], figures["by_model"]) == (2, 2, 0)
    assert (figures["all"]["n"], figures["all"]["accuracy"]) == (2, 1.0)
    assert figures["all"]["interval"] == [1.0, 1.0]
    assert figures["all"]["floor"] == (0.225 if name == "LongVideoBench" else 0.25)
    assert sum(row["n"] for row in figures["groups"]["duration"].values()) == 2
    assert [item.question_id for item in file.questions if item is not absent] == [
        json.loads(line)["id"] for line in (tmp_path / "out.jsonl").read_text().splitlines()[1:]
    ]


def test_groups_are_told_as_each_benchmark_has_them(tmp_path: Path) -> None:
    groups = {name: [item.groups for item in read_questions(form(tmp_path)).questions] for name, form in FORMS.items()}
    assert groups["LongVideoBench"][0] == {"duration": ("up to 600 s",), "type": ("T2A",)}
    medium = {"duration": ("medium",), "type": ("OCR Problems",), "domain": ("Knowledge",)}
    assert groups["Video-MME table"][1] == groups["Video-MME"][1] == medium
    assert [item["duration"] for item in groups["MLVU"]] == [("up to 2 min",), ("2 to 15 min",), ("over 60 min",)]
    types = ("key information retrieval", "reasoning")
    assert groups["LVBench"][0] == {"duration": ("over 60 min",), "type": types, "genre": ("cartoon",)}


def test_first_citations_are_held_against_the_place_that_lvbench_knows(world: World, tmp_path: Path) -> None:
    file = read_questions(lvbench(tmp_path))
    assert [item.reference for item in file.questions] == [(38.0, 47.0), (3605.0, 3609.0), (15.0, 15.0)]
    figures = run(world.service, file, tmp_path / "out.jsonl")
    assert (figures["cited"]["n"], figures["cited"]["share"]) == (2, 0.5)
    assert figures["groups"]["type"]["reasoning"]["n"] == 2


def test_a_run_that_was_killed_goes_on_and_asks_nothing_twice(world: World, chat: ScriptedChat, tmp_path: Path) -> None:
    file, out = read_questions(mlvu(tmp_path)), tmp_path / "out.jsonl"
    with open_service(with_model(world, chat.url)) as service:
        chat.decoupled = json.dumps({"choice": "B", "evidence": [1], "why": "It is said."})
        first = run(service, file, out)
        assert (first["by_model"], first["by_words"], first["all"]["accuracy"]) == (2, 0, 0.5)
        head, bread, talk = out.read_text().splitlines(keepends=True)
        chat.requests.clear()
        assert run(service, file, out) == first
        assert not chat.requests
        out.write_text(head + bread + talk[:-9], encoding="utf-8")  # killed while it wrote the second answer
        chat.decoupled = json.dumps({"choice": "A", "evidence": [1], "why": "It is said."})
        again = run(service, file, out)
        assert again["all"]["accuracy"] == 1.0
        asked = [json.dumps(body) for body in chat.requests]
        assert asked
        assert not any(OVEN in body for body in asked)
    assert out.read_text().startswith(head + bread)
    assert [json.loads(line).get("choice") for line in out.read_text().splitlines()] == [None, "B", "A"]


def test_answers_of_another_run_are_not_gone_on_with(world: World, tmp_path: Path) -> None:
    file, out = read_questions(mlvu(tmp_path)), tmp_path / "out.jsonl"
    run(world.service, file, out)
    with pytest.raises(Conflict, match="deep False instead of True"):
        run(world.service, file, out, deep=True)
    other = tmp_path / "notes.txt"
    other.write_text("My own notes", encoding="utf-8")
    with pytest.raises(Conflict, match="something else"):
        run(world.service, file, other)
    assert other.read_text() == "My own notes"
    lines = out.read_text().splitlines(keepends=True)
    out.write_text(lines[0] + '{"id": "0"}\n' + lines[2], encoding="utf-8")
    with pytest.raises(InvalidRequest, match=r"out\.jsonl, line 2: it has no choice"):
        run(world.service, file, out)


def test_a_model_in_this_process_is_asked_and_its_nonsense_is_told(world: World, tmp_path: Path) -> None:
    weights = write_vlm(tmp_path / "tiny", fitted=False)
    engines = {**NO_MODELS, "vlm": f"transformers:{weights}", "device": "cpu"}
    settings = load_settings({"data": world.settings.data, "engines": engines, "query": {"decouple": "rules"}})
    file = read_questions(written(tmp_path / "x.json", video_mme_rows()[:1]))
    with open_service(settings) as service:
        figures = run(service, file, tmp_path / "out.jsonl")
    assert (figures["by_model"], figures["by_words"], figures["all"]["accuracy"]) == (0, 1, 1.0)
    assert any("no valid choice" in note for note in figures["notes"])


def test_the_agent_answers_in_deep_mode(world: World, chat: ScriptedChat, tmp_path: Path) -> None:
    acts = [
        {"tool": "search", "query": "oven degrees"},
        {"tool": "finish", "answer": "B) [1]"},
        {"tool": "search", "query": "steps too large"},
        {"tool": "finish", "answer": "C) [1]"},
    ]
    chat.script = [json.dumps(act) for act in acts]
    with open_service(with_model(world, chat.url)) as service:
        figures = run(service, read_questions(lvbench(tmp_path)), tmp_path / "out.jsonl", deep=True)
    assert (figures["by_model"], figures["all"]["accuracy"], figures["all"]["floor"]) == (2, 0.5, 0.25)


def test_what_is_not_answered_is_wrong_and_what_is_not_known_is_not_scored() -> None:
    questions = tuple(
        Question(str(number), ("a",), "x", ("p", "q"), correct, {"type": ("t",)})
        for number, correct in enumerate((0, 1, None, 1))
    )
    given = {
        "0": Given("0", None, "extractive"),
        "1": Given("1", 1, "model", notes=("slow",)),
        "2": Given("2", 0, "extractive", notes=("slow",)),
    }
    figures = question_figures(QuestionFile("MLVU", questions), questions, given)
    assert (figures["asked"], figures["answered"], figures["without_video"]) == (3, 2, 1)
    assert figures["all"] == {"n": 2, "accuracy": 0.5, "interval": [0.0, 1.0], "floor": 0.5}
    assert figures["notes"] == {"slow": 2}


def test_files_of_a_folder_that_questions_ask_about_are_found(tmp_path: Path) -> None:
    for name in ("a/fFjv93ACGo8.webm", f"b/{BREAD}.mkv", "b/other.mp4"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    questions = read_questions(written(tmp_path / "v.json", video_mme_rows())).questions
    assert files_of(questions, tmp_path) == [tmp_path / f"b/{BREAD}.mkv", tmp_path / "a/fFjv93ACGo8.webm"]


def test_no_video_at_all_is_told(world: World, tmp_path: Path) -> None:
    file = read_questions(written(tmp_path / "v.json", video_mme_rows()[2:]))
    with pytest.raises(NotFound, match="None of the videos is indexed, for example 'fFjv93ACGo8'"):
        run(world.service, file, tmp_path / "out.jsonl")


def broken_row(form: Form, folder: Path, **changes: Any) -> str:
    rows = json.loads(form(folder).read_text())
    rows[1] = {name: value for name, value in {**rows[1], **changes}.items() if value is not ...}
    return json.dumps(rows)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (
            "x.json",
            '[{"image": "a.png", "prompt": "x"}]',
            r"its first row holds image, prompt\. Known are.*LVBench \(key, qa\)",
        ),
        ("x.json", '[{"video": "a.mp4", "question": "x", "answer": "y"}]', r"first row holds video, question, answer"),
        ("x.json", "[]", "holds no questions"),
        ("x.json", '["a"]', "no JSON object but 'a'"),
        ("x.json", '[{"video": ', r"x\.json is no JSON"),
        ("x.jsonl", '{"key": "a", "qa": []}\n{"key": ', r"x\.jsonl, line 2: it is no JSON"),
        ("x.jsonl", '{"key": "a", "qa": [{"uid": "1", "question": "Who?", "answer": "A"}]}', "it has 0 options"),
        ("x.jsonl", '{"key": "a", "qa": [{"uid": "1", "question": "Who?\\n(A) I\\n(B) Me", "answer": "E"}]}', "'E'"),
        ("x.parquet", "PAR1 no table", "is no Parquet file"),
    ],
)
def test_a_file_that_cannot_be_read_tells_what_was_seen(name: str, content: str, told: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(InvalidRequest, match=told):
        read_questions(tmp_path / name)


@pytest.mark.parametrize(
    ("form", "changes", "told"),
    [
        (longvideobench, {"correct_choice": 5}, "row 2: .*option 5 of 5"),
        (longvideobench, {"id": "bread_0"}, "1 ids more than once, for example 'bread_0'"),
        (longvideobench, {"candidates": ...}, "row 2: it has no candidates"),
        (longvideobench, {"candidates": ["It stops."]}, "row 2: .*talk_0 has fewer than two options"),
        (mlvu, {"answer": "A dragon"}, "row 2: .*'A dragon', is none of its options"),
        (mlvu, {"video": ""}, "row 2: it has no video"),
        (video_mme_json, {"questions": [{"question_id": "1"}]}, "row 2: it has no choices"),
    ],
)
def test_a_broken_row_is_named(form: Form, changes: JsonObject, told: str, tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text(broken_row(form, tmp_path, **changes), encoding="utf-8")
    with pytest.raises(InvalidRequest, match=told):
        read_questions(tmp_path / "x.json")


def test_held_out_questions_have_no_right_answer(tmp_path: Path) -> None:
    rows = json.loads(longvideobench(tmp_path).read_text())
    for row in rows:
        row.pop("correct_choice")
    assert {item.correct for item in read_questions(written(tmp_path / "x.json", rows)).questions} == {None}
