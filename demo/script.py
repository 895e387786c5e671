"""What a script is made of: films of shots, each with what it shows, what is said in it, the queries it answers."""

from __future__ import annotations

from dataclasses import dataclass

from demo.scenes import Scene
from demo.studio import Look, Voice

NARRATOR = Voice("en-us+f3", 150, 55)


@dataclass(frozen=True, slots=True)
class Line:
    """A spoken sentence, and queries of kind `spoken` that it answers."""

    text: str
    voice: Voice = NARRATOR
    asks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scenery:
    """A drawn scene: objects on a ground, moving by `drift` (shares of width and height) while it lasts."""

    scene: Scene
    seed: int
    drift: tuple[float, float] = (0.0, 0.0)
    scale: float = 1.15
    sign: str = ""


@dataclass(frozen=True, slots=True)
class Slide:
    """A slide of a talk."""

    title: str
    bullets: tuple[str, ...]
    theme: int = 0
    footer: str = ""


@dataclass(frozen=True, slots=True)
class Screen:
    """An editor or terminal; the last `typed` lines are typed while one looks on."""

    title: str
    lines: tuple[str, ...]
    typed: int = 0
    menu: tuple[str, ...] = ()
    dark: bool = True


@dataclass(frozen=True, slots=True)
class Board:
    """A whiteboard with labelled boxes joined by arrows."""

    labels: tuple[str, ...]
    seed: int


@dataclass(frozen=True, slots=True)
class Speaker:
    """Someone who talks, before a plain wall, with the name below."""

    name: str
    shirt: str
    wall: str


@dataclass(frozen=True, slots=True)
class Cut:
    """One shot.

    Attributes:
        shows: what stands in the picture.
        seconds: how long at least; it lasts as long as what is said in it.
        says: sentences spoken one after the other.
        written: queries of kind `written` that its text answers.
        seen: queries of kind `seen` that its picture answers.
    """

    shows: Scenery | Slide | Screen | Board | Speaker
    seconds: float = 0.0
    says: tuple[Line, ...] = ()
    written: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Film:
    """A video: its form and its shots; `sequences` are (query, first shot, last shot)."""

    look: Look
    cuts: tuple[Cut, ...]
    sequences: tuple[tuple[str, int, int], ...] = ()
