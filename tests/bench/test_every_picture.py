"""What dropping pictures loses is told query by query."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.every_picture import Compared, Pair, clips, figures_of


def test_what_is_found_only_with_every_picture_is_lost() -> None:
    pairs = [
        Pair("ocr", "a price", 1, 3),
        Pair("ocr", "a sign", 4, 1),
        Pair("ocr", "a poster", None, None),
        Pair("speech", "a word", 2, None),
    ]
    figures = figures_of(Compared("clips", pairs))
    assert figures["kinds"] == {
        "ocr": {"n": 3, "dropped": 1, "every": 2},
        "speech": {"n": 1, "dropped": 1, "every": 0},
    }
    assert figures["lost"] == ["a sign"]
    assert figures["won"] == ["a word"]


@pytest.mark.release
def test_no_query_of_the_clips_is_lost_by_dropping_pictures(tmp_path: Path, shared_data: Path) -> None:
    figures = figures_of(clips(tmp_path, shared_data))
    assert sum(row["n"] for row in figures["kinds"].values()) >= 17
    assert figures["lost"] == []
