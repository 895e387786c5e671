"""Questions that name nothing to look for: "what is this?", "what did he say about it?". They are asked back."""

from __future__ import annotations

import re

from query.answering.asked import EXTRACTIVE
from query.answering.followups import own_words
from query.texts.words import ASKING_WORDS, STOP_WORDS
from reelseek.answers import Answer

NAMELESS = (
    "The question names nothing to look for. Say what it is about: a name, a thing, a word that is said or shown. "
    "Or choose a video and ask what it is about."
)
"""How an answer says that it was not told what to look for."""

WHICH_VIDEO = "Which video? Name it, choose it, or ask what all the videos are about."
"""How an answer says that it was not told which video is meant."""

_TALK = "hi hello hey help thanks explain describe continue go going else"
_EMPTY = STOP_WORDS | ASKING_WORDS | frozenset(_TALK.split())
_MARKED = re.compile(r"\w:\S|[\"“„«]")


def names_nothing(question: str) -> bool:
    """Whether a question is made of words like "what", "this", "say" and "video" alone."""
    return not _MARKED.search(question) and not set(own_words(question)) - _EMPTY


def asked_back(question: str, text: str = NAMELESS) -> Answer:
    """Ask what, or which video, is meant."""
    return Answer(question, text, True, EXTRACTIVE, (), ())
