"""What a model is given, made to fit its context: lines left out evenly, notes joined into shorter notes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engines.protocols import VlmEngine
from query.answering.evidence import Block, line_of
from query.answering.prompts import join_request
from query.replies import reply_of
from reelseek.errors import EngineUnavailable
from reelseek.records import Channel
from reelseek.results import Evidence, Moment

_SHRUNK = 3
"""A group of notes becomes one of this part of their room at most, so that each round has fewer."""


Keep = Callable[[Sequence[str], Callable[[], str]], str]
"""Gives what was made of some texts before, else makes it and keeps it."""


def cost_of(blocks: Sequence[Block], vlm: VlmEngine) -> int:
    """Tokens of all lines of some blocks."""
    return sum(vlm.count_tokens(line) for block in blocks for line in block.lines)


def cut_to(block: Block, tokens: int, vlm: VlmEngine) -> Block:
    """A block of at most so many tokens: of too many lines evenly picked ones, of one long line its beginning."""
    items = block.items
    while len(items) > 1 and sum(vlm.count_tokens(line_of(item)) for item in items) > tokens:
        items = items[::2]
    while len(items) == 1 and len(items[0].text) > 40 and vlm.count_tokens(line_of(items[0])) > tokens:
        last = items[0]
        items = (Evidence(last.channel, last.start, last.end, last.text[: len(last.text) // 2], last.score),)
    return Block(block.number, block.moment, items, block.frames)


def joined(
    vlm: VlmEngine, blocks: Sequence[Block], room: int, seconds: float, keep: Keep = lambda _, make: make()
) -> list[Block]:
    """Blocks that fit into `room` tokens together: as they are, or neighbours joined into one by the model.

    The statements of joined notes keep the numbers of the blocks that they are from.

    Raises:
        EngineUnavailable: the model does not answer.
    """
    told = list(blocks)
    while len(told) > 1 and cost_of(told, vlm) > room:
        told = [_join(vlm, group, room // _SHRUNK, seconds, keep) for group in _groups(vlm, told, room)]
    return [cut_to(block, room, vlm) for block in told]


def _groups(vlm: VlmEngine, blocks: Sequence[Block], room: int) -> list[list[Block]]:
    """Neighbours that fit into `room` together, at least two each but for a last one."""
    groups: list[list[Block]] = []
    spent = 0
    for block in (cut_to(block, room // 2, vlm) for block in blocks):
        cost = cost_of([block], vlm)
        if not groups or (spent + cost > room and len(groups[-1]) > 1):
            groups.append([])
            spent = 0
        groups[-1].append(block)
        spent += cost
    return groups


def _join(vlm: VlmEngine, group: Sequence[Block], tokens: int, seconds: float, keep: Keep) -> Block:
    if len(group) == 1:
        return cut_to(group[0], tokens, vlm)

    def make() -> str:
        made = reply_of(vlm, join_request(group, tokens), seconds)
        if not made:
            raise EngineUnavailable(f"{vlm.id} did not join its notes.")
        return made

    text = keep([line for block in group for line in block.lines], make)
    first, last = group[0].moment, group[-1].moment
    start, end = first.start, max(first.end, last.end)
    note = Evidence(Channel.CAPTION, start, end, text, 1.0)
    moment = Moment(first.video_id, first.title, "", start, end, 1.0, 1.0, "", {}, (note,))
    return cut_to(Block(group[0].number, moment, (note,)), tokens, vlm)
