"""`reelseek eval` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.commands import app
from reelseek.errors import ReelseekError
from tests.bench.corpora import lines_of, small_bench
from tests.support.command import run_reelseek
from tests.support.media import plain, steady, write_video


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_bench(tmp_path_factory.mktemp("bench"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


def test_a_benchmark_is_measured_written_and_shown(bench: Path, data: Path, tmp_path: Path) -> None:
    run, figures = tmp_path / "out" / "run.jsonl", tmp_path / "figures.json"
    result = run_reelseek(
        "eval",
        "--bench",
        str(bench),
        "--split",
        "dev",
        "--out",
        str(run),
        "--json",
        str(figures),
        data=data,
    )
    assert result.returncode == 0, result.stderr
    assert "3 queries, each searched in 3 videos" in result.stdout
    assert "nDCG@10" in result.stdout
    assert "p95" in result.stdout
    rows = [json.loads(line) for line in run.read_text().splitlines()]
    assert [row["query_id"] for row in rows] == ["garden-2", "violin-2", "taxes-2"]
    assert all(row["results"][0]["video_id"] == row["query_id"].partition("-")[0] for row in rows)
    kept = json.loads(figures.read_text())
    assert (kept["n"], kept["R@1"], kept["split"]) == (3, 1.0, "dev")


def test_plain_retrieval_and_parts_of_the_search_stand_beside_fusion(bench: Path, data: Path, tmp_path: Path) -> None:
    figures = tmp_path / "table.json"
    result = run_reelseek(
        "eval", "--bench", str(bench), "--ablation", "--limit", "4", "--json", str(figures), data=data
    )
    assert result.returncode == 0, result.stderr
    table = json.loads(figures.read_text())
    assert {"fusion", "words alone", "meaning alone", "plain BM25", "plain vectors", "plain BM25 and vectors"} <= set(
        table
    )
    assert all(row["n"] == 4 for row in table.values())
    assert table["plain BM25"]["vR@1"] == 1.0


def test_a_prediction_file_is_scored_alone(tmp_path: Path) -> None:
    truth = lines_of(
        tmp_path / "truth.jsonl",
        [{"desc_id": 1, "desc": "x", "vid_name": "a", "duration": 60, "ts": [10, 20]}],
    )
    found = {"desc_id": 1, "desc": "x", "predictions": [[0, 50, 60, 0.9], [0, 11, 20, 0.8]]}
    prediction = tmp_path / "pred.json"
    prediction.write_text(json.dumps({"video2idx": {"a": 0}, "SVMR": [found]}))
    figures = tmp_path / "figures.json"
    arguments = ["eval", "--format", "tvr", "--truth", str(truth), "--score", str(prediction), "--json", str(figures)]
    result = CliRunner().invoke(app, ["--data", str(tmp_path / "data"), *arguments])
    assert result.exit_code == 0, result.output
    assert json.loads(figures.read_text())["SVMR"]["R@5 IoU=0.7"] == 100.0
    assert json.loads(figures.read_text())["SVMR"]["R@1 IoU=0.7"] == 0.0


def test_questions_are_asked_of_videos_indexed_for_them_and_once(tmp_path: Path) -> None:
    films = tmp_path / "films"
    films.mkdir()
    for name in ("lighthouse", "other"):
        write_video(films / f"{name}.mkv", steady([(3.0, plain((200, 30, 30)))]))
        said = "1\n00:00:00,000 --> 00:00:02,500\nAt first the lamp burnt whale oil.\n"
        (films / f"{name}.srt").write_text(said, encoding="utf-8")
    lamp = {
        "video": "lighthouse.mp4",
        "duration": 3,
        "question": "What did the lamp burn at first?",
        "candidates": ["Gas", "Whale oil", "Coal", "Wood"],
        "answer": "Whale oil",
        "question_type": "plotQA",
    }
    questions, out, figures = tmp_path / "1_plotQA.json", tmp_path / "answers.jsonl", tmp_path / "figures.json"
    questions.write_text(json.dumps([lamp, {**lamp, "video": "movie101_66.mp4"}]), encoding="utf-8")
    off = {f"REELSEEK_ENGINES__{name}": "off" for name in ("SCREEN_TEXT", "SPEECH", "SPEAKERS", "VISUAL", "OBJECTS")}
    arguments = ["--data", str(tmp_path / "data"), "eval", "--qa", str(questions), "--videos", str(films)]
    arguments += ["--out", str(out), "--json", str(figures)]
    first = CliRunner().invoke(app, arguments, env=off)
    assert first.exit_code == 0, first.output
    assert "lighthouse.mkv" in first.stderr
    assert "other.mkv" not in first.stderr
    told = " ".join(first.stdout.split())
    assert "MLVU: 1 of 2 questions asked (1 without a video here), 1 answered: 0 by the model, 1 by words" in told
    assert "chance" in told
    kept = json.loads(figures.read_text())["all"]
    assert (kept["n"], kept["accuracy"], kept["floor"]) == (1, 1.0, 0.25)
    answers = out.read_text()
    second = CliRunner().invoke(app, arguments, env=off)
    assert second.exit_code == 0, second.output
    assert "1 answers are from an earlier run" in second.stderr
    assert out.read_text() == answers


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "Give one of --bench"),
        (("--demo", "--history"), "Give one of --bench"),
        (("--format", "nosuch"), "Known are qvhighlights"),
        (("--format", "tvr"), "--truth FILE"),
        (("--bench", "."), "queries.jsonl cannot be read"),
        (("--qa", "README.md"), "README.md, line 1: it is no JSON"),
        (("--qa", "pyproject.toml"), "whose rows hold: LongVideoBench (video_path, candidates)"),
        (("--compare", "1", "last"), "there are none yet"),
    ],
)
def test_what_cannot_be_measured_is_told_in_one_sentence(arguments: tuple[str, ...], told: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--data", str(tmp_path / "data"), "eval", *arguments])
    assert isinstance(result.exception, ReelseekError)
    assert told in str(result.exception)


def test_a_broken_row_is_named(tmp_path: Path) -> None:
    lines_of(tmp_path / "corpus.jsonl", [{"video_id": "a", "start": 0, "end": 1, "text": "x"}, {"start": 3}])
    lines_of(tmp_path / "queries.jsonl", [{"query_id": 1, "query": "x", "video_id": "a", "relevant": [[0, 1]]}])
    result = run_reelseek("eval", "--bench", str(tmp_path), data=tmp_path / "data")
    assert result.returncode == 2
    assert "corpus.jsonl, line 2: it has no video_id." in result.stderr
    assert "Traceback" not in result.stderr
