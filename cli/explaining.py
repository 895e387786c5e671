"""Why a moment was found and where it sits, as a person reads it in a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group as Together
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.output import moment_text, printable
from reelseek.results import Contribution, Group, Moment
from reelseek.timecode import format_time

_BAR = 20


def explained(number: int, moment: Moment) -> RenderableType:
    """A moment with its place, its steps, the waterfall of its score and, of a near miss, what it lacks."""
    parts: list[RenderableType] = [moment_text(number, moment)]
    if moment.place is not None:
        parts.append(Text(f"    {_breadcrumb(moment)}", style="dim"))
        parts += [
            Text(f"      {format_time(step.start)}–{format_time(step.end)}  {printable(step.text)}", style="dim")
            for step in moment.place.steps
        ]
    if moment.shortfall:
        parts.append(Text(f"    {printable(moment.shortfall)}", style="yellow"))
    parts.append(Padding(waterfall(moment.contributions, moment.confidence), (0, 0, 1, 4), expand=False))
    return Together(*parts)


def waterfall(contributions: Sequence[Contribution], confidence: float) -> Table:
    """Each search's rank, raw score, worth against chance, weight and gain; the gains add up to the confidence."""
    table = Table(box=None, pad_edge=False, show_footer=True, header_style="dim", footer_style="bold")
    asked = any(item.asked for item in contributions)
    if asked:
        table.add_column("asked")
    table.add_column("channel")
    table.add_column("by")
    for name in ("rank", "raw", "worth", "weight"):
        table.add_column(name, justify="right")
    table.add_column("gain", footer=f"{confidence:.3f}", justify="right")
    table.add_column("")
    for item in contributions:
        filled = round(_BAR * min(1.0, max(0.0, item.gain)))
        table.add_row(
            *([printable(item.asked)] if asked else []),
            item.channel.value,
            item.kind,
            str(item.rank),
            f"{item.raw:.3f}",
            f"{item.calibrated:.2f}",
            f"{item.weight:.2f}",
            f"{item.gain:+.3f}",
            "█" * filled or "·",
        )
    return table


def group_text(number: int, group: Group) -> Text:
    """A video or chapter on one line: its number, title, confidence, and how many moments are in it."""
    text = Text()
    text.append(f"{number:>2}. ", style="dim")
    text.append(printable(group.title), style="bold")
    if group.chapter is not None:
        text.append(f" › {group.chapter.index + 1}. {printable(group.chapter.title)}", style="bold")
        text.append(f"  {format_time(group.start)}–{format_time(group.end)}", style="cyan")
    text.append(f"  {round(group.confidence * 100)} %", style="green")
    text.append(f"  {counted(group.found, 'moments')}", style="dim")
    text.append("  offline" if group.offline else "", style="yellow")
    return text


def counted(count: int, what: str) -> str:
    """A number and its plural: `1 video`, `2 videos`."""
    return f"{count} {what if count != 1 else what.removesuffix('s')}"


def timings_text(timings: Mapping[str, float]) -> str:
    """The stages of a search with their milliseconds."""
    return ", ".join(f"{stage} {value:.0f} ms" for stage, value in timings.items())


def _breadcrumb(moment: Moment) -> str:
    place = moment.place
    assert place is not None
    steps = [printable(moment.title)]
    if place.chapter is not None:
        steps.append(f"{place.chapter.index + 1}. {printable(place.chapter.title)}")
    steps.append(f"{format_time(moment.start)}–{format_time(moment.end)}")
    where = f"segment {place.segment} of {place.segments}, " if place.segments else ""
    return f"{' › '.join(steps)}  ({where}{100 * place.share:.0f} % of the video)"
