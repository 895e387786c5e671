"""The API's inputs of searches by example and of feedback, and its suggestions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError
from werkzeug.datastructures import FileStorage

from query.examples.stretches import read_stretch
from query.requests import MAX_EXAMPLES, By, Stretch
from reelseek.errors import InvalidRequest
from web.schemas import ID_MAX, ID_PATTERN, K_MAX, In, Out, VideoIds
from web.search_schemas import SearchQuery

_STRETCH = {
    "anyOf": [
        {"type": "string", "pattern": r"^[0-9a-f]{32}@\d+(\.\d+)?(-\d+(\.\d+)?)?$"},
        {
            "type": "object",
            "required": ["video_id", "start", "end"],
            "properties": {
                "video_id": {"type": "string", "pattern": ID_PATTERN},
                "start": {"type": "number", "minimum": 0},
                "end": {"type": "number", "minimum": 0},
            },
        },
    ]
}


class _Place(In):
    """A part of a video."""

    video_id: str = Field(..., pattern=ID_PATTERN)
    start: float = Field(..., ge=0, allow_inf_nan=False)
    end: float = Field(..., ge=0, allow_inf_nan=False)


def _stretch(value: object) -> object:
    """`ID@12.5-15`, or an object of the same."""
    try:
        if isinstance(value, str):
            named = read_stretch(value)
            value = {"video_id": named.name, "start": named.start, "end": named.end}
        if isinstance(value, dict):
            place = _Place.model_validate(value)
            made = Stretch(place.video_id, place.start, place.end)
            made.check()
            return made
    except InvalidRequest as error:
        raise PydanticCustomError("stretch", "{reason}", {"reason": error.message.rstrip(".")}) from error
    return value


def _split(value: object) -> object:
    return [part for part in value.split(",") if part] if isinstance(value, str) else value


Stretches = Annotated[
    list[Annotated[Stretch, BeforeValidator(_stretch)]],
    BeforeValidator(_split),
    Field(max_length=MAX_EXAMPLES),
    WithJsonSchema({"type": "array", "items": _STRETCH, "maxItems": MAX_EXAMPLES}),
]


class ExampleQuery(SearchQuery):
    """A search, with examples from the library and with feedback."""

    example: Stretches = Field(
        default_factory=list, description="what is to be found again: parts of videos, ID@12.5-15, separated by commas"
    )
    by: By = Field("all", description="in what examples are to be found again")
    like: Stretches = Field(default_factory=list, description="earlier results that were right: more like these")
    unlike: Stretches = Field(default_factory=list, description="earlier results that were wrong: fewer like these")


class UploadedExamples(ExampleQuery):
    """A search by pictures and clips that are sent along, with words or without."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, arbitrary_types_allowed=True)
    image: Annotated[
        FileStorage | None,
        Field(description="a JPEG, PNG or WebP picture; repeatable", json_schema_extra={"format": "binary"}),
    ] = None
    clip: Annotated[
        FileStorage | None,
        Field(description="a short video file; some of its pictures are taken", json_schema_extra={"format": "binary"}),
    ] = None


class SimilarQuery(In):
    """More like a moment."""

    start: float = Field(..., ge=0, allow_inf_nan=False)
    end: float = Field(..., ge=0, allow_inf_nan=False)
    by: By = Field("all", description="alike in what is seen, in what is said, or in both")
    k: int | None = Field(None, ge=1, le=K_MAX, description="most moments returned")
    video: VideoIds = Field(default_factory=list, description="only in these videos")
    library: int | None = Field(None, ge=1, le=ID_MAX, description="only in this library")


class SuggestQuery(In):
    """What is being typed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=False)
    q: str = Field("", max_length=400, description="the query so far")
    limit: int = Field(8, ge=1, le=50)
    library: int | None = Field(None, ge=1, le=ID_MAX, description="only words and names of this library")
    video: VideoIds = Field(default_factory=list, description="only of these videos")


class SuggestionOut(Out):
    """One completion."""

    text: str = Field(description="the whole query with it")
    shown: str = Field(description="the part that was completed")
    kind: Literal["word", "phrase", "title", "chapter", "object", "speaker", "tag", "field", "spelling"]
    count: int = Field(description="in how many lines or videos it occurs")


class SuggestOut(Out):
    """Completions, the likeliest first."""

    suggestions: list[SuggestionOut]
