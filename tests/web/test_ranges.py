from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.ranges import ByteRange, Whole, etag_matches, range_applies, select_range

FULL, UNSATISFIABLE = Whole.FULL, Whole.UNSATISFIABLE


@pytest.mark.parametrize(
    ("header", "size", "expected"),
    [
        (None, 100, FULL),
        ("", 100, FULL),
        ("bytes=0-9", 100, ByteRange(0, 10)),
        ("bytes=0-0", 100, ByteRange(0, 1)),
        ("bytes=90-", 100, ByteRange(90, 100)),
        ("bytes=99-", 100, ByteRange(99, 100)),
        ("bytes=90-500", 100, ByteRange(90, 100)),
        ("bytes=100-", 100, UNSATISFIABLE),
        ("bytes=100-200", 100, UNSATISFIABLE),
        ("bytes=-10", 100, ByteRange(90, 100)),
        ("bytes=-100", 100, ByteRange(0, 100)),
        ("bytes=-500", 100, ByteRange(0, 100)),
        ("bytes=-0", 100, UNSATISFIABLE),
        ("bytes=0-", 0, UNSATISFIABLE),
        ("bytes=-1", 0, UNSATISFIABLE),
        ("Bytes = 0 - 9 ", 100, ByteRange(0, 10)),
        ("bytes=9-0", 100, FULL),
        ("bytes=-", 100, FULL),
        ("bytes=a-b", 100, FULL),
        ("bytes=0-9,20-29", 100, FULL),
        ("items=0-9", 100, FULL),
        ("bytes 0-9", 100, FULL),
        ("bytes=0x1-9", 100, FULL),
        ("bytes=٣-9", 100, FULL),
        ("bytes=-9-", 100, FULL),
        (f"bytes={'9' * 5000}-", 100, UNSATISFIABLE),
        (f"bytes=-{'9' * 5000}", 100, FULL),
    ],
)
def test_range_headers(header: str | None, size: int, expected: ByteRange | Whole) -> None:
    assert select_range(header, size) == expected


@given(st.text(max_size=60) | st.from_regex(r"bytes=\d{0,25}-\d{0,25}", fullmatch=True), st.integers(0, 10**12))
def test_no_header_reaches_outside_the_file(header: str, size: int) -> None:
    found = select_range(header, size)
    if isinstance(found, ByteRange):
        assert 0 <= found.start < found.stop <= size


def test_if_range_holds_for_this_version_alone() -> None:
    date = "Wed, 21 Oct 2026 07:28:00 GMT"
    assert range_applies(None, '"a"', date)
    assert range_applies('"a"', '"a"', date)
    assert range_applies(date, '"a"', date)
    assert not range_applies('"b"', '"a"', date)
    assert not range_applies('W/"a"', '"a"', date)


@pytest.mark.parametrize(
    ("header", "expected"),
    [(None, False), ("", False), ('"a"', True), ('W/"a"', True), ('"x", "a"', True), ("*", True), ('"x"', False)],
)
def test_if_none_match(header: str | None, expected: bool) -> None:
    assert etag_matches(header, '"a"') is expected
