"""Every example of the query language in the docs is read as it is meant and runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from query.language.parsing import Stage, Words, parse
from query.service import QueryService, SearchRequest
from reelseek.errors import InvalidRequest, NotFound

PAGE = Path(__file__).resolve().parents[2] / "docs" / "search.md"


def examples() -> list[str]:
    """The first column of the tables and of the block of operators."""
    text = PAGE.read_text(encoding="utf-8").split("## What comes back")[0]
    cells = [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| `")]
    found = [span for cell in cells for span in re.findall(r"`([^`]+)`", cell)]
    for block in re.findall(r"^```text\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        found += [re.split(r"\s{2,}", line.strip())[0] for line in block.splitlines()]
    return list(dict.fromkeys(found))


def test_there_are_examples() -> None:
    assert len(examples()) >= 45


@pytest.mark.parametrize("query", examples())
def test_an_example_is_read_and_runs(service: QueryService, query: str) -> None:
    read = parse(query)
    assert read.notes == ()
    if not re.fullmatch(r"[a-z ]+", query):
        assert read.stages != (Stage((Words(query),)),), "it would be plain words"
    if "like:" in query:
        search_of(service, query, NotFound)
    elif "image:" in query:
        assert not search_of(service, query, InvalidRequest)
    else:
        assert search_of(service, query, ())


def search_of(service: QueryService, query: str, refused: type[Exception] | tuple[()]) -> bool:
    """Whether a search answers; what the example names may not be there."""
    try:
        result = service.search(SearchRequest(query))
    except refused:
        return False
    assert not any(note.startswith("Character") for note in result.notes)
    return True
