"""What a request is about, without the words that only make it a request.

"How do I crop a picture?" is about "crop a picture", "Summarize the discussion about batteries" about "batteries". Such
words are rare in what is said, and would otherwise count for much.
"""

from __future__ import annotations

import re

from query.texts.words import STOP_WORDS, stem, tokens

_REQUEST = """
summarize summarise summarizes summary summaries recap outline describe describes discuss discusses discussed discussing
discussion discussions conversation conversations talk talks talked talking mention mentions mentioned mentioning
explain explains explained think thinks thought thoughts opinion opinions view views say says said regarding concerning
way ways possible want wants need needs used using use purpose step steps tell
"""
REQUEST_WORDS = frozenset(_REQUEST.split())
"""Words in which people ask. They count only where nothing else is left."""

_REQUEST_STEMS = frozenset(stem(word) for word in REQUEST_WORDS)

_COUNTED = re.compile(r"\bhow\s+many\s+(?:of\s+)?(?:the\s+)?(\w+)", re.IGNORECASE)
_WHO = (
    r"(?:(?:the|all|each|every)\s+)*(?:whole\s+)?"
    r"(?:group\s*mates?|team\s*mates?|groups?|teams?|members?|participants?|speakers?|people|everyone|they)"
)
_TALK = (
    r"(?:discuss(?:ed|ing|ions?)?|talk(?:ed|ing)?|conversations?|debates?|sa(?:y|id)|th(?:ink|ought)|mention(?:ed)?)"
)
_LINK = r"(?:\s+(?:about|on|of|over|regarding|concerning|that|in|for|towards?))?"
_LEADS = tuple(
    re.compile(rf"^\s*{pattern}\s+", re.IGNORECASE)
    for pattern in (
        r"(?:q(?:uestion)?\s*[.:)]|\d+\s*[.:)]|q(?=\s+(?:how|what|where|can)))",
        r"(?:please|so|and|well|ok(?:ay)?)",
        r"(?:(?:can|could|would)\s+you\s+)?(?:summari[sz]e|describe|recap|outline|explain|tell\s+me)",
        r"give\s+(?:me\s+)?an?\s+(?:summary|overview)\s+of",
        rf"what\s+(?:is|are|was|were)\s+(?:being\s+)?{_TALK}\s+(?:about|on|of|over|regarding|concerning)",
        r"how\s+(?:many|much)(?:\s+of)?",
        rf"(?:what|how|why|when|where)\s+(?:did|does|do|was|were|is|are)\s+{_WHO}\s+{_TALK}{_LINK}",
        rf"(?:the\s+)?(?:whole\s+)?(?:(?:group|team)\s+)?{_TALK}\s+(?:about|on|of|over|regarding|concerning)",
        r"is\s+(?:it\s+possible|there\s+(?:a|any)\s+way)\s+to",
        r"what\s+(?:is|are)\s+the\s+(?:(?:best|easiest|fastest)\s+)?(?:ways?|steps?)\s+(?:to|of|for)",
        r"(?:how|what|where|when|which|who|why)"
        r"(?:\s+(?:can|could|should|would|do|does|did|is|are|was|were|will))?(?:\s+(?:i|you|we|one))?(?:\s+(?:do|to|go))?",
        r"(?:can|could|should|would|do|does|did|is|are)\s+(?:i|you|we|one|there)",
        r"(?:to|about|the|an?)",
    )
)


def subject(text: str) -> str:
    """The text without its asking lead and its question mark; the text itself where nothing else would be left."""
    rest = text.strip()
    for lead in _LEADS:
        rest = lead.sub("", rest, count=1)
    rest = rest.strip().rstrip("?!. ")
    return rest if any(word not in STOP_WORDS and word not in REQUEST_WORDS for word in tokens(rest)) else text


def is_question(text: str) -> bool:
    """Whether something is asked. An article before what is looked for asks nothing."""
    dropped = len(tokens(text)) - len(tokens(subject(text)))
    return "?" in text or tokens(text)[:dropped] not in ([], ["a"], ["an"], ["the"])


def telling_terms(terms: tuple[str, ...], text: str) -> tuple[str, ...]:
    """The stems that say what is looked for, without those of request words unless there are no others.

    What is counted is looked for, also where it is such a word: "how many steps".
    """
    counted = {stem(word) for word in _COUNTED.findall(text)}
    return tuple(term for term in terms if term in counted or term not in _REQUEST_STEMS) or terms
