from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reelseek.answers import Answer, Citation
from reelseek.records import Channel
from web.present import ago, cited, coded, highlight, size, span


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("The driver drives", "driving", "The driver <mark>drives</mark>"),
        (
            "A red car, two red cars",
            "red car",
            "A <mark>red</mark> <mark>car</mark>, two <mark>red</mark> <mark>cars</mark>",
        ),
        ("Café", "cafe", "<mark>Café</mark>"),
        ("budget and cost", "said:budget -cost", "<mark>budget</mark> and cost"),
        ("3 cars", "object:car>=2", "3 <mark>cars</mark>"),
        ("be careful", '"be careful"', "<mark>be</mark> <mark>careful</mark>"),
        ("the end of the day", "the day", "the end of the <mark>day</mark>"),
        ("<b>red</b> & co", "red", "&lt;b&gt;<mark>red</mark>&lt;/b&gt; &amp; co"),
        ("mark", "<mark>", "<mark>mark</mark>"),
        ("plain", "", "plain"),
        ("", "red", ""),
    ],
)
def test_matching_words_are_marked_and_all_is_escaped(text: str, query: str, expected: str) -> None:
    assert str(highlight(text, query)) == expected


def test_citations_become_links_and_other_numbers_stay_text() -> None:
    citation = Citation("a" * 32, 1.0, 2.0, Channel.SPEECH, "quote")
    answer = Answer("q", "Yes [1]. <b>No</b> [2] [0] [x].", False, "extractive", (citation,), ())
    shown = str(cited(answer))
    assert 'href="#citation-1"' in shown
    assert "&lt;b&gt;No&lt;/b&gt; [2] [0] [x]." in shown


def test_times_and_sizes_in_words() -> None:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    assert ago(None) == "never"
    assert ago(now - timedelta(seconds=5), now) == "just now"
    assert ago(now - timedelta(minutes=1), now) == "1 minute ago"
    assert ago(now - timedelta(hours=5), now) == "5 hours ago"
    assert ago(now - timedelta(days=3), now) == "3 days ago"
    assert (size(999), size(1500), size(2_500_000), size(5e12)) == ("999 B", "2 KB", "2.5 MB", "5.0 TB")
    assert span(1.0, 1.5) == "0:01"
    assert span(59.0, 61.0) == "0:59 – 1:01"


def test_commands_in_a_sentence_are_code_and_markup_is_text() -> None:
    assert coded("`reelseek videos` lists <b>") == "<code>reelseek videos</code> lists &lt;b&gt;"
    assert coded("a ` alone") == "a ` alone"
