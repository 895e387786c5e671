"""What the API sends of objects that were followed."""

from __future__ import annotations

from pydantic import BaseModel, Field


class BoxOut(BaseModel):
    """A rectangle as fractions of the picture."""

    left: float
    top: float
    right: float
    bottom: float


class PathPointOut(BaseModel):
    """Where an object is at a time; between two points it moves in a straight line."""

    time: float
    box: BoxOut


class ObjectTrackOut(BaseModel):
    """One object, followed from its first to its last showing."""

    number: int
    label: str
    confidence: float
    start: float
    end: float
    entered: str = Field(
        description="`left`, `right`, `top`, `bottom`, `appeared`, or `start`: there from the beginning"
    )
    left: str = Field(description="an edge, `vanished`, or `end`: there to the end of the shot")
    path: list[PathPointOut]


class CountStepOut(BaseModel):
    """From this time on there are so many at once."""

    time: float
    count: int


class ObjectsOut(BaseModel):
    """The objects of a video."""

    tracks: list[ObjectTrackOut]
    counts: dict[str, list[CountStepOut]] = Field(description="label to the times at which the number at once changes")
