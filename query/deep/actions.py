"""What the agent can do in one step, as a model writes it: strict JSON, one tool at a time."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from query.replies import json_of

Seconds = Annotated[float, Field(ge=0, le=1e7)]
VideoId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]


class _Action(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    thought: str = Field("", max_length=2_000)


class Search(_Action):
    """Find moments by words or the query language, in all videos or in some."""

    tool: Literal["search"]
    query: str = Field(min_length=1, max_length=500)
    video_ids: list[VideoId] = Field(default_factory=list, max_length=20)
    k: int = Field(6, ge=1, le=12)


class Browse(_Action):
    """See a whole video in short: its chapters and one page of its segments."""

    tool: Literal["browse"]
    video_id: VideoId
    page: int = Field(1, ge=1)


class Read(_Action):
    """Read all that is said and written in a stretch of a video."""

    tool: Literal["read"]
    video_id: VideoId
    start: Seconds = 0.0
    end: Seconds | None = None


class Inspect(_Action):
    """Look at pictures of stretches of a video, with a question in mind."""

    tool: Literal["inspect"]
    video_id: VideoId
    ranges: list[tuple[Seconds, Seconds]] = Field(min_length=1, max_length=4)
    question: str = Field("", max_length=500)


class Count(_Action):
    """Count objects of a label in a stretch of a video."""

    tool: Literal["count"]
    video_id: VideoId
    label: str = Field(min_length=1, max_length=100)
    start: Seconds = 0.0
    end: Seconds | None = None


class Finish(_Action):
    """Give the answer, with the numbers of the blocks it rests on, like [1]."""

    tool: Literal["finish"]
    answer: str = Field(min_length=1, max_length=8_000)


Tool = Search | Browse | Read | Inspect | Count
Action = Tool | Finish
_ADAPTER: TypeAdapter[Action] = TypeAdapter(Annotated[Action, Field(discriminator="tool")])


def read_action(reply: str) -> Action | None:
    """The action in a model's reply; None where it is none."""
    try:
        return _ADAPTER.validate_json(json_of(reply))
    except ValidationError:
        return None


def action_from(tool: str, arguments: dict[str, object]) -> Action | None:
    """An action of a step that was taken before; None where it is none."""
    try:
        return _ADAPTER.validate_python({"tool": tool, **arguments})
    except ValidationError:
        return None


def schema() -> dict[str, object]:
    """The JSON Schema of an action."""
    return _ADAPTER.json_schema()


def described() -> str:
    """The tools for a model's instructions, a line each."""
    lines = []
    for action in (Search, Browse, Read, Inspect, Count, Finish):
        fields = ", ".join(name for name in action.model_fields if name not in {"tool", "thought"})
        lines.append(f"- {action.__name__.lower()}({fields}): {action.__doc__}")
    return "\n".join(lines)
