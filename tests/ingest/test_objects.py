"""Objects followed over time: which detections are one thing, when it came and went, how many there were."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from bench.objects import measure
from engines.trackers import tracker_ref
from ingest.objects import Followed, Sighting, counts, detect_frames, link
from reelseek.errors import EngineUnavailable
from reelseek.records import Box, Detection, EngineRef, Frame, Image, Look, ObjectTrack, PathPoint, Shot
from reelseek.setting_groups import EngineSettings
from reelseek.tracks import box_at, counts_over_time, counts_within, events, stands, tell, within
from tests.support.checkpoints import needs_ultralytics

TRACKERS = ("overlap", "bytetrack", "botsort")
PLACE = Box(0.1, 0.1, 0.4, 0.4)


@pytest.fixture(params=TRACKERS)
def tracker(request: pytest.FixtureRequest) -> EngineRef:
    if request.param != "overlap":
        needs_ultralytics()
    return tracker_ref(EngineSettings(tracker=request.param))


@pytest.fixture(scope="module")
def object_figures(shared_data: Path) -> dict[str, dict[str, dict[str, float]]]:
    assert shared_data.is_dir()
    figures: dict[str, dict[str, dict[str, float]]] = measure()["clips"]
    return figures


def found(label: str, box: Box, confidence: float = 0.9) -> Detection:
    return Detection(label, confidence, box)


def at(x: float, y: float = 0.4, size: float = 0.2) -> Box:
    """A box that is cut off by the picture's edges."""
    return Box(max(0.0, x), max(0.0, y), min(1.0, x + size), min(1.0, y + size))


def looks(rows: Sequence[Sequence[Detection]], step: float = 0.5, start: float = 0.0) -> list[Sighting]:
    return [Sighting(start + step * index, tuple(row)) for index, row in enumerate(rows)]


def followed(sightings: Sequence[Sighting], tracker: EngineRef, end: float, cuts: Sequence[float] = ()) -> Followed:
    edges = [0.0, *cuts, end]
    shots = [Shot(index, first, last) for index, (first, last) in enumerate(pairwise(edges))]
    frames = [Frame(item.frame, item.time, end, 0, "") for item in sightings if item.frame >= 0]
    return link(sightings, frames, shots, tracker)


def only(result: Followed) -> ObjectTrack:
    (track,) = result.tracks
    return track


def test_a_thing_that_crosses_the_picture_is_one_from_edge_to_edge(tracker: EngineRef) -> None:
    crossing = [[found("car", at(0.12 * step - 0.1))] for step in range(9)]
    rows: list[list[Detection]] = [[], *crossing, [], []]
    track = only(followed(looks(rows), tracker, end=6.5))
    assert (track.start, track.end) == (0.5, 0.5 * (len(rows) - 2))
    assert (track.entered, track.left) == ("left", "right")
    assert track.path[0].box.left == 0.0
    middle = box_at(track, 2.5)
    assert middle.centre[0] == pytest.approx(at(-0.1 + 4 * 0.12).centre[0], abs=0.03)
    assert len(track.path) <= 5, "a straight way needs few points"


def test_what_moves_by_its_own_size_between_two_pictures_is_still_one(tracker: EngineRef) -> None:
    rows = [[found("person", Box(x, 0.2, x + 0.1, 0.8))] for x in (0.3, 0.39, 0.48, 0.57, 0.66)]
    assert only(followed(looks(rows), tracker, end=2.5)).path[-1].box.left == pytest.approx(0.66)


def test_a_parked_car_with_a_picture_a_minute_is_one_track(tracker: EngineRef) -> None:
    rows = [[found("car", PLACE)]] * 5
    track = only(followed(looks(rows, step=60.0), tracker, end=300.0))
    assert (track.start, track.end, track.entered, track.left) == (0.0, 300.0, "start", "end")
    assert len(track.path) == 2


def test_a_standing_thing_that_one_picture_misses_is_still_there(tracker: EngineRef) -> None:
    rows = [[found("car", PLACE)], [found("car", PLACE)], [], [found("car", PLACE)]]
    assert len(followed(looks(rows, step=60.0), tracker, end=240.0).tracks) == 1
    assert len(followed(looks(rows, step=0.5), tracker, end=2.0).tracks) == 1


def test_what_comes_back_after_long_is_another(tracker: EngineRef) -> None:
    rows = [[found("cat", PLACE)]] * 4 + [[]] * 10 + [[found("cat", PLACE)]] * 4
    tracks = followed(looks(rows), tracker, end=9.0).tracks
    assert [(track.start, track.end) for track in tracks] == [(0.0, 2.0), (7.0, 9.0)]


def test_a_cut_ends_what_was_there(tracker: EngineRef) -> None:
    rows = [[found("person", PLACE)]] * 8
    tracks = followed(looks(rows), tracker, end=4.0, cuts=[2.0]).tracks
    assert [(track.start, track.end, track.entered, track.left) for track in tracks] == [
        (0.0, 2.0, "start", "end"),
        (2.0, 4.0, "start", "end"),
    ]


def test_two_that_pass_each_other_keep_their_numbers(tracker: EngineRef) -> None:
    def row(step: int) -> list[Detection]:
        return [found("car", at(0.05 + 0.08 * step, 0.3)), found("car", at(0.75 - 0.08 * step, 0.55))]

    tracks = followed(looks([row(step) for step in range(9)]), tracker, end=4.5).tracks
    assert len(tracks) == 2
    ends = {round(track.path[0].box.left, 2): round(track.path[-1].box.left, 2) for track in tracks}
    assert ends == {0.05: pytest.approx(0.69), 0.75: pytest.approx(0.11)}


def test_a_wavering_label_is_one_thing_under_its_surest_name(tracker: EngineRef) -> None:
    names = ["car", "truck", "car", "car", "truck", "car"]
    rows = [[found(name, PLACE, 0.6)] for name in names]
    rows[3].append(found("truck", PLACE, 0.4))  # both at once, on one place
    result = followed(looks(rows), tracker, end=3.0)
    assert only(result).label == "car"
    assert {label: [step.count for step in steps] for label, steps in result.counts.items()} == {"car": [1, 0]}


def test_another_thing_at_another_place_is_not_the_same_under_a_new_name(tracker: EngineRef) -> None:
    rows = [[found("dog", Box(0.1, 0.5, 0.3, 0.8))]] * 3 + [[found("person", Box(0.22, 0.2, 0.45, 0.9))]] * 3
    labels = [track.label for track in followed(looks(rows), tracker, end=3.0).tracks]
    assert labels == ["dog", "person"]


def test_a_doubtful_flash_is_left_out_and_a_sure_one_is_not(tracker: EngineRef) -> None:
    rows: list[list[Detection]] = [[] for _ in range(7)]
    rows[2] = [found("kite", PLACE, 0.3)]
    rows[5] = [found("bird", PLACE, 0.8)]
    assert [track.label for track in followed(looks(rows), tracker, end=3.5).tracks] == ["bird"]
    still = [Sighting(0.0, (found("kite", PLACE, 0.3),), 0)]
    assert only(followed(still, tracker, end=60.0)).label == "kite", "all that is known of a minute"


def test_doubt_carries_a_thing_on_and_begins_none(tracker: EngineRef) -> None:
    sureness = [0.15, 0.8, 0.15, 0.8, 0.15]
    rows = [[found("car", PLACE, value)] for value in sureness]
    track = only(followed(looks(rows), tracker, end=2.5))
    assert (track.start, track.end) == (0.0, 2.5)
    faint = [[found("car", PLACE, 0.15)]] * 5
    assert followed(looks(faint), tracker, end=2.5).tracks == ()


def test_one_that_enters_grows_and_stays_the_same(tracker: EngineRef) -> None:
    """A head at the lower edge half a second before the whole person, as in a real clip."""
    sides = [(0.23, 0.86, 0.37, 1.0), (0.26, 0.44, 0.53, 1.0), (0.37, 0.25, 0.58, 0.99), (0.42, 0.13, 0.65, 1.0)]
    rows: list[list[Detection]] = [[], *([found("person", Box(*each))] for each in sides)]
    track = only(followed(looks(rows), tracker, end=2.5))
    assert (track.start, track.entered, track.left) == (0.5, "bottom", "end")


def test_keyframes_know_their_objects_and_looks_only_their_tracks(tracker: EngineRef) -> None:
    rows = [[found("car", at(0.1 + 0.05 * step)), found("bus", at(0.6), 0.7)] for step in range(5)]
    keyframes = {0: 0, 4: 1}
    sightings = [replace(item, frame=keyframes.get(index, -1)) for index, item in enumerate(looks(rows))]
    result = followed(sightings, tracker, end=2.5)
    first, last = result.frames
    assert [(item.label, item.time) for item in first] == [("car", 0.0), ("bus", 0.0)]
    assert [item.track for item in first] == [item.track for item in last]
    assert counts(first) == {"car": 1, "bus": 1}
    assert {track.number: track.label for track in result.tracks} == {item.track: item.label for item in first}


def car(number: int, start: float, end: float, entered: str = "start", left: str = "end") -> ObjectTrack:
    return tracked("car", number, start, end, PLACE, entered, left)


def tracked(
    label: str, number: int, start: float, end: float, box: Box, entered: str = "start", left: str = "end"
) -> ObjectTrack:
    return ObjectTrack(number, label, 0.9, start, end, entered, left, (PathPoint(start, box),))


def test_counts_are_the_most_at_once_and_what_is_usual() -> None:
    curves = counts_over_time([car(0, 0.0, 30.0), car(1, 5.0, 9.0, "left", "right"), car(2, 7.0, 8.0, "top", "top")])
    assert [(step.time, step.count) for step in curves["car"]] == [
        (0.0, 1), (5.0, 2), (7.0, 3), (8.0, 2), (9.0, 1), (30.0, 0),
    ]  # fmt: skip
    assert counts_over_time([car(0, 1.0, 1.3, "left", "right")]) == {}, "there for a moment only"
    assert counts_within(curves, 0.0, 30.0) == ({"car": 3}, {"car": 1})
    assert counts_within(curves, 5.0, 9.0) == ({"car": 3}, {"car": 2})
    assert counts_within(curves, 29.8, 60.0) == ({}, {}), "what reaches in by a moment is not there"
    assert counts_within(curves, 20.0, 60.0) == ({"car": 1}, {}), "there for a quarter of the time"


def test_what_happens_is_told_with_times() -> None:
    tracks = [car(0, 0.0, 30.0), car(1, 10.0, 20.0, "left", "right"), car(2, 20.0, 25.0, "left", "vanished")]
    tracks.append(tracked("person", 3, 12.0, 30.0, at(0.8), "left"))
    moves = "car enters at 0:10 from the left, person enters at 0:12 from the left"
    assert tell(tracks, 5.0, 19.0) == f"2 × car, person; {moves}"
    assert tell(tracks, 9.0, 26.0).startswith("2 × car (3 in all), person; ")
    told = [event.text for event in events(tracks)]
    assert told[2:4] == ["car leaves at 0:20 to the right", "car enters at 0:20 from the left"]


def test_a_part_of_a_track_has_only_that_part_of_its_way() -> None:
    rows = [[found("car", at(0.05 * step))] for step in range(15)]
    track = only(followed(looks(rows), tracker_ref(EngineSettings(tracker="overlap")), end=7.5))
    (part,) = within([track], 2.0, 4.0)
    assert (part.start, part.end) == (track.start, track.end)
    assert [point.time for point in part.path] == [2.0, 4.0]
    assert part.path[0].box.left == pytest.approx(0.2, abs=0.03)
    assert within([track], 8.0, 9.0) == []


def test_places_are_compared_by_their_middles() -> None:
    cup, laptop = at(0.1), at(0.6, 0.45)
    assert stands(cup, "left-of", laptop)
    assert stands(laptop, "right-of", cup)
    assert not stands(cup, "above", laptop)
    assert stands(at(0.5, 0.1), "above", laptop)
    assert not stands(cup, "touching", laptop)
    assert stands(at(0.5), "touching", laptop)


class Eye:
    """A detector that sees what a picture's first pixel says."""

    id = fingerprint = "eye"
    note = ""
    labels = ("thing",)

    def __init__(self) -> None:
        self.asked: list[tuple[int, float]] = []

    def detect(self, images: Sequence[Image], *, least: float = 0.25) -> list[tuple[Detection, ...]]:
        self.asked.append((len(images), least))
        return [(Detection("thing", float(image[0, 0, 0]) / 255, PLACE),) for image in images]


def test_keyframes_and_looks_are_detected_in_batches_and_come_in_order_of_time() -> None:
    frames = [Frame(index, 10.0 * index, 10.0 * index + 10, 0, f"{index}.jpg") for index in range(3)]
    between = [Look(time, f"looks/{index}.jpg") for index, time in enumerate((0.5, 1.0, 12.0))]
    names = [*(frame.image for frame in frames), *(look.image for look in between)]
    values = {name: 40 * index for index, name in enumerate(names)}

    def pictures(names: Sequence[str]) -> list[Image]:
        return [np.full((4, 4, 3), values[name], np.uint8) for name in names]

    eye, told = Eye(), list[float]()
    sightings = detect_frames(eye, frames, between, pictures, 2, told.append)
    assert [(item.time, item.frame) for item in sightings] == [
        (0.0, 0), (0.5, -1), (1.0, -1), (10.0, 1), (12.0, -1), (20.0, 2),
    ]  # fmt: skip
    assert [round(item.detections[0].confidence * 255) for item in sightings] == [0, 120, 160, 40, 200, 80]
    assert [size for size, _ in eye.asked] == [2, 1, 2, 1]
    assert told == sorted(told)
    assert detect_frames(eye, [], [], pictures, 2, told.append) == []


def test_a_tracker_that_is_not_installed_is_told_and_auto_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lap", None)
    assert tracker_ref(EngineSettings()).id == "overlap"
    with pytest.raises(EngineUnavailable, match="bytetrack") as raised:
        tracker_ref(EngineSettings(tracker="bytetrack"))
    assert "overlap" in (raised.value.hint or "")


def test_the_trackers_have_different_identities() -> None:
    needs_ultralytics()
    refs = {name: tracker_ref(EngineSettings(tracker=name)) for name in TRACKERS}
    assert len({ref.fingerprint for ref in refs.values()}) == 3
    assert tracker_ref(EngineSettings()) == refs["bytetrack"]


@pytest.mark.release
@pytest.mark.parametrize("name", TRACKERS)
def test_real_clips_hold_what_one_counts_by_eye(
    name: str, object_figures: dict[str, dict[str, dict[str, float]]]
) -> None:
    for file, most in (("intel_one_by_one_person.mp4", 0.05), ("intel_cars.mp4", 0.15), ("intel_bottles.mp4", 0.1)):
        row = object_figures[file][name]
        assert (row["switches"], row["missed"]) == (0, 0), file
        assert row["count_error"] <= most, file
        assert row["times_error"] <= 0.6, file
    assert object_figures["intel_one_by_one_person.mp4"][name]["tracks"] == 6
    assert object_figures["intel_bottles.mp4"][name]["tracks"] == 7
