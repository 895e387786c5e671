"""The state of a search on the page, examples and marks: all of it is in the address, so that it can be shared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from flask import Flask, request, url_for

from library.catalogue import Catalogue
from query.examples.stretches import read_stretch, write_stretch
from query.requests import MAX_EXAMPLES, Stretch
from reelseek.errors import InvalidRequest
from reelseek.results import Moment

Mark = Literal["like", "unlike"]
MARKS: tuple[Mark, Mark] = ("like", "unlike")
PAGE = "pages.search"
_KEPT = ("q", "mode", "library", "video", "channel", "level", "k", "min_confidence", "example", "by", *MARKS)


@dataclass(frozen=True, slots=True)
class Shown:
    """A part of a video as the page shows it.

    Attributes:
        value: `ID@12.5-15`.
        title: of its video; empty where that is gone.
    """

    value: str
    video_id: str
    title: str
    start: float
    end: float


def install(app: Flask) -> None:
    """Give the templates what the buttons of a moment need."""
    app.jinja_env.globals.update(
        place=place,
        marked_as=marked_as,
        can_mark=can_mark,
        kept_fields=kept_fields,
        searched=searched,
        similar_url=similar_url,
    )


def place(moment: Moment) -> str:
    """A moment as `ID@12.5-15`."""
    return write_stretch(Stretch(moment.video_id, moment.start, max(moment.start, moment.end)))


def can_mark() -> bool:
    """Whether the results at hand are of a search whose address tells all of it."""
    args = request.args
    return request.endpoint == PAGE and args.get("mode") != "ask" and any(args.get(name) for name in ("q", "like"))


def marked_as(moment: Moment) -> tuple[Mark, str] | None:
    """How a moment is marked, with the mark as it stands in the address; None where it is not."""
    for mark in MARKS:
        for value in _values(mark):
            stretch = _read(value)
            if stretch is not None and stretch.video_id == moment.video_id:
                both = min(moment.end, stretch.end) - max(moment.start, stretch.start)
                if both >= 0.5 * min(moment.end - moment.start, stretch.end - stretch.start):
                    return mark, value
    return None


def kept_fields() -> list[tuple[str, str]]:
    """The fields of the search at hand, for a form that changes one of them."""
    return [(name, value) for name in _KEPT if (value := request.args.get(name, ""))]


def searched() -> dict[str, str]:
    """The fields that decide what the search at hand finds, for a link that searches so again."""
    return {name: value for name, value in kept_fields() if name != "mode"}


def similar_url(moment: Moment) -> str:
    """The address of a search for more like a moment."""
    return url_for(PAGE, example=place(moment))


def marked_url() -> str:
    """The address of the search at hand after one of its buttons: `mark=like ID@1-2`, or `forget ID@1-2`.

    Raises:
        InvalidRequest: there are too many marks.
    """
    verb, _, value = request.args.get("mark", "").partition(" ")
    fields = dict(kept_fields())
    for mark in MARKS:
        values = [other for other in _values(mark) if other != value]
        if verb == mark and _read(value) is not None:
            values.append(value)
        if len(values) > MAX_EXAMPLES:
            raise InvalidRequest(f"At most {MAX_EXAMPLES} results can be marked.", hint="Undo some.")
        fields[mark] = ",".join(values)
    return url_for(PAGE, _anchor="results", **{name: value for name, value in fields.items() if value})  # type: ignore[arg-type]


def shown(stretches: Iterable[Stretch], catalogue: Catalogue) -> list[Shown]:
    """Parts of videos with the titles of their videos."""
    found = list(stretches)
    ids = {stretch.video_id for stretch in found}
    titles = {entry.video_id: entry.title for entry in catalogue.videos(ids=ids)} if ids else {}
    return [
        Shown(write_stretch(item), item.video_id, titles.get(item.video_id, ""), item.start, item.end) for item in found
    ]


def _values(mark: Mark) -> list[str]:
    return [value for value in request.args.get(mark, "").split(",") if value]


def _read(value: str) -> Stretch | None:
    """A mark of the address; None where it is none."""
    try:
        named = read_stretch(value)
    except InvalidRequest:
        return None
    return Stretch(named.name, named.start, named.end)
