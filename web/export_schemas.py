"""The API's inputs of exports."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from web.example_schemas import ExampleQuery
from web.schemas import ID_PATTERN, In

Listings = Literal["json", "csv", "links", "m3u", "otio", "edl"]
_RANGE = r"^\d{1,6}(?:\.\d{1,6})?-\d{1,6}(?:\.\d{1,6})?$"
MOMENTS_MAX = 200
"""The most stretches that are exported at once."""


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class CaptionsExport(In):
    """Which lines, and how they are written."""

    format: Literal["vtt", "srt"] = "vtt"
    channel: Literal["speech", "screen_text", "caption", "sound"] = "speech"


class ChaptersExport(In):
    """How chapters are written."""

    format: Literal["vtt", "ffmetadata"] = "vtt"


class Cutting(In):
    """How a clip is cut."""

    mode: Literal["exact", "copy"] = Field(
        "exact", description="`copy` encodes nothing anew and begins at the key picture before the start"
    )
    height: int = Field(0, ge=0, le=8_640, description="largest height of the picture (px); 0 is the source's")


class ClipExport(Cutting):
    """A stretch of a video."""

    start: float = Field(..., ge=0, description="seconds")
    end: float = Field(..., gt=0, description="seconds")


class RangesExport(In):
    """Stretches of one video."""

    format: Listings = "otio"
    ranges: Annotated[
        list[Annotated[str, Field(pattern=_RANGE)]], BeforeValidator(_split), Field(max_length=MOMENTS_MAX)
    ] = Field(default_factory=list, description="`10-20,31.5-40` in seconds; none are the chapters")

    @property
    def stretches(self) -> list[tuple[float, float]]:
        """The ranges as numbers."""
        return [(float(start), float(end)) for start, _, end in (text.partition("-") for text in self.ranges)]


class MomentsExport(In):
    """How moments are written."""

    format: Listings | Literal["mp4"] = Field("json", description="`mp4` is a reel of all the moments")
    height: int = Field(0, ge=0, le=8_640, description="of a reel: largest height of the picture (px)")


class SearchExport(MomentsExport, ExampleQuery):
    """A search whose moments are exported."""


class SavedExport(MomentsExport):
    """What a saved search found, exported."""

    k: int = Field(50, ge=1, le=200, description="most moments, the newest first")


class ChosenMoment(In):
    """A stretch of a video that somebody chose."""

    video_id: str = Field(..., pattern=ID_PATTERN)
    start: float = Field(..., ge=0, allow_inf_nan=False, description="seconds")
    end: float = Field(..., gt=0, allow_inf_nan=False, description="seconds; behind the video's end means up to it")
    title: str = Field("", max_length=200, description="what it is called; empty: as its video")


class SelectionExport(MomentsExport):
    """Moments of any videos, in the order in which they are wanted."""

    moments: list[ChosenMoment] = Field(..., min_length=1, max_length=MOMENTS_MAX)
    title: str = Field("", max_length=200, description="of the whole, and of its file")
