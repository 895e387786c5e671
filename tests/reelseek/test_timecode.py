"""Times as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelseek.errors import InvalidRequest
from reelseek.timecode import format_time, parse_time, temporal_iou, took, vtt_time


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("75", 75), ("75.5", 75.5), ("1:15", 75), ("01:02:03.5", 3723.5), ("90s", 90), ("1m30s", 90), ("1h", 3600)],
)
def test_times_are_read(text: str, seconds: float) -> None:
    assert parse_time(text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "nan", "inf", "1:2:3:4", "abc", "1:", ":5", "s"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest):
        parse_time(text)


@given(st.floats(0, 360_000, allow_nan=False))
def test_a_written_time_reads_back_within_its_precision(seconds: float) -> None:
    assert abs(parse_time(format_time(seconds, decimals=3)) - seconds) <= 0.0005 + 1e-6
    assert int(seconds) - 1e-6 <= parse_time(format_time(seconds)) <= seconds + 1e-6


def test_rounding_never_shows_sixty_seconds() -> None:
    assert format_time(59.96, decimals=1) == "1:00.0"
    assert vtt_time(3599.9996) == "01:00:00.000"


def test_temporal_iou() -> None:
    assert temporal_iou((0, 10), (5, 15)) == pytest.approx(1 / 3)
    assert temporal_iou((0, 1), (2, 3)) == 0
    assert temporal_iou((1, 1), (1, 1)) == 0


@pytest.mark.parametrize(("milliseconds", "told"), [(0.4, "0 ms"), (41.2, "41 ms"), (2_345.0, "2.3 s")])
def test_how_long_something_took_is_told_in_its_unit(milliseconds: float, told: str) -> None:
    assert took(milliseconds) == told
