"""Other benchmarks' files: read, searched, written, read back and scored."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.evaluation.formats import FORMATS, Prediction, TrueMoment, Window
from bench.evaluation.moment_retrieval import matched, predict
from reelseek.errors import InvalidRequest, NotFound
from reelseek.settings import load_settings
from tests.bench.corpora import lines_of
from tests.support.query_world import COOKING, LECTURE, World

OVEN, STEPS = "the oven at two hundred and thirty degrees", "the loss jumps around and never settles"
BREAD, TALK = "Grandmother bakes bread", "Lecture on gradient descent"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("formats")
    world = World(load_settings({"data": folder / "data"}), folder / "films", (LECTURE, COOKING))
    yield world
    world.close()


def truth_file(name: str, folder: Path) -> Path:
    """The same two moments in each benchmark's own format."""
    rows: list[dict[str, Any]]
    if name == "qvhighlights":
        rows = [
            {"qid": 1, "query": OVEN, "vid": BREAD, "duration": 90, "relevant_windows": [[40, 46]],
             "relevant_clip_ids": [20, 21, 22], "saliency_scores": [[2, 3, 4]] * 3},
            {"qid": 2, "query": STEPS, "vid": TALK, "duration": 120, "relevant_windows": [[12, 18]],
             "relevant_clip_ids": [6, 7, 8], "saliency_scores": [[1, 1, 4]] * 3},
        ]  # fmt: skip
        return lines_of(folder / "truth.jsonl", rows)
    if name == "tvr":
        rows = [
            {"desc_id": 1, "desc": OVEN, "vid_name": BREAD, "duration": 90.0, "ts": [40.0, 45.0], "type": "t"},
            {"desc_id": 2, "desc": STEPS, "vid_name": TALK, "duration": 120.0, "ts": [12.5, 18.0], "type": "t"},
        ]
        return lines_of(folder / "truth.jsonl", rows)
    if name == "charades":
        path = folder / "truth.txt"
        path.write_text(f"ABC12 0.0 4.5##somebody leaves.\n{'XYZ99'} 12.5 18.0##{STEPS}.\n", encoding="utf-8")
        return path
    path = folder / "truth.json"
    if name == "momentseeker":
        value: Any = [
            {
                "src_video_path": f"films/{BREAD}.mp4",
                "qry_text": OVEN,
                "answering_time_interval": [[40, 45]],
                "task": "a",
            },
            {"src_video_path": f"{TALK}.mp4", "qry_text": STEPS, "answering_time_interval": [[12.5, 18]], "task": "b"},
        ]
    else:
        steps = [{"index": 0, "heading": "x", "absolute_bounds": [40, 45]}]
        moment = {"relevant": True, "clip": True, "v_duration": 90, "bounds": [40, 45], "steps": steps}
        value = {
            OVEN: {
                f"{BREAD}.mp4": moment,
                "elsewhere.mp4": {"relevant": False, "clip": False, "v_duration": 9, "bounds": [], "steps": []},
            },
            STEPS: {
                f"{TALK}.mp4": {"relevant": True, "clip": True, "v_duration": 120, "bounds": [12, 18], "steps": []}
            },
        }
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["qvhighlights", "tvr", "momentseeker", "hirest"])
def test_moments_are_found_written_read_back_and_scored(name: str, world: World, tmp_path: Path) -> None:
    form = FORMATS[name]
    truth = form.read_truth(truth_file(name, tmp_path))
    found = predict(world.service, truth, form)
    form.write(tmp_path / "pred", truth, found)
    again = form.read(tmp_path / "pred", truth)
    assert form.figures(truth, again) == form.figures(truth, found)
    told = json.dumps(form.figures(truth, found))
    assert "100.0" in told
    for query in truth:
        first = again[query.query_id].within[0]
        assert first.video == query.video
        assert first.start < query.windows[0][1]
        assert first.end > query.windows[0][0]


def test_tvr_ranks_moments_of_the_whole_corpus_and_its_clips(world: World, tmp_path: Path) -> None:
    form = FORMATS["tvr"]
    truth = form.read_truth(truth_file("tvr", tmp_path))
    form.write(tmp_path / "pred.json", truth, predict(world.service, truth, form))
    content = json.loads((tmp_path / "pred.json").read_text())
    assert set(content) == {"video2idx", "VCMR", "SVMR", "VR"}
    row = content["VCMR"][0]
    assert (row["desc_id"], row["desc"]) == (1, OVEN)
    assert content["video2idx"][BREAD] == row["predictions"][0][0]
    figures = form.figures(truth, form.read(tmp_path / "pred.json", truth))
    assert figures["VR"]["R@1"] == figures["VCMR"]["R@1 IoU=0.5"] == 100.0


def test_charades_sentences_are_read_and_scored_by_hand_worked_overlaps(tmp_path: Path) -> None:
    form = FORMATS["charades"]
    truth = form.read_truth(truth_file("charades", tmp_path))
    assert [(query.video, query.query) for query in truth] == [("ABC12", "somebody leaves."), ("XYZ99", f"{STEPS}.")]
    found = {
        "0": Prediction("0", (Window("ABC12", 0.0, 9.0, 0.9), Window("ABC12", 0.0, 4.5, 0.8))),
        "1": Prediction("1", (Window("XYZ99", 100.0, 110.0, 0.9),)),
    }
    figures = form.figures(truth, found)
    assert figures["R@1 IoU=0.5"] == 50.0
    assert figures["R@1 IoU=0.7"] == 0.0
    assert figures["R@5 IoU=0.7"] == 50.0
    assert figures["mIoU"] == 25.0
    (tmp_path / "bad.txt").write_text("ABC12 0.0##no end\n", encoding="utf-8")
    with pytest.raises(InvalidRequest, match=r"bad\.txt, line 1"):
        form.read_truth(tmp_path / "bad.txt")


def test_videos_are_matched_by_file_name_whatever_their_folder_and_ending(world: World) -> None:
    entries = world.service.catalogue.videos()
    for name in (BREAD, f"{BREAD}.mp4", f"some/folder/{BREAD}.mkv"):
        assert matched([TrueMoment("0", OVEN, name, ((40.0, 45.0),))], entries) == {name: COOKING.video_id}
    with pytest.raises(NotFound, match="None of the videos is indexed"):
        matched([TrueMoment("0", "x", "nothing.mp4", ())], entries)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("qvhighlights", '{"query": "x"}\n'),
        ("tvr", '{"desc": "x"}\n'),
        ("momentseeker", '[{"qry_text": "x"}]'),
        ("hirest", '{"x": {"v.mp4": {"relevant": true, "clip": true, "bounds": [1]}}}'),
    ],
)
def test_a_ground_truth_that_lacks_something_is_told(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / "truth").write_text(content, encoding="utf-8")
    with pytest.raises(InvalidRequest, match="truth"):
        FORMATS[name].read_truth(tmp_path / "truth")
