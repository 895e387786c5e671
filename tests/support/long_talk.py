"""A talk too long for a model to read at once, and a model that takes notes of it in words of the talk itself."""

from __future__ import annotations

import re

from tests.support.query_world import Film

MINUTES = 24
TOPICS = ("granite", "towers", "cables", "ferries", "budget", "paint", "lighting", "birds")

NOTES, SUMMARY, JOIN = "You take notes", "You sum up", "You join notes"
"""What a model is told it does, at the beginning of each kind of request."""


def _sentences(minute: int) -> tuple[tuple[float, float, str], ...]:
    topic = TOPICS[minute * len(TOPICS) // MINUTES]
    begin = 60.0 * minute
    return (
        (
            begin + 2,
            begin + 12,
            f"In minute {minute} the engineer explains how {topic} shaped the bridge of this town.",
        ),
        (
            begin + 15,
            begin + 28,
            f"She shows drawings, tells of old contracts and of long evenings in the office, and comes back to {topic} "
            f"again because nobody had looked at it with care for such a long time before this team of people began.",
        ),
        (
            begin + 32,
            begin + 55,
            "There were many meetings, letters and reports, and all of them were read aloud, compared with each other, "
            "put into folders and carried from one building to the next one while the weather was bad as it often is "
            "here in autumn, and then somebody asked the same question once more, which was answered in great detail.",
        ),
    )


LONG_TALK = Film(
    "The long talk on the bridge.mp4",
    60.0 * MINUTES,
    said=tuple(line for minute in range(MINUTES) for line in _sentences(minute)),
)


def note_taker(system: str, prompt: str) -> str:
    """Notes: which topic a stretch is about. Joined notes: all of them with numbers. A summary: what the notes say."""
    numbered = re.findall(r'number="(\d+)".*?\n(.*?)\n</', prompt, re.DOTALL)
    if system.startswith(NOTES):
        topics = dict.fromkeys(re.findall(r"how (\w+) shaped", prompt))
        return " ".join(f"The engineer explains how {topic} shaped the bridge." for topic in topics)
    found = {
        topic: cited or number
        for number, text in numbered
        for topic, cited in re.findall(r"how (\w+) shaped(?: the bridge)?(?: of this town)?(?: \[(\d+)\])?", text)
    }
    if system.startswith(JOIN):
        return "; ".join(f"how {topic} shaped [{number}]" for topic, number in found.items())
    return " ".join(
        f"The engineer explains how {topic} shaped the bridge [{number}]." for topic, number in found.items()
    )
