"""`reelseek ask`: one question, or a conversation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import settings_of
from cli.output import console, error_console, moment_text, print_json, printable, printable_lines
from cli.searching import Count, Json, OneVideo
from reelseek.answers import Answer, Step, Turn
from reelseek.timecode import format_time

if TYPE_CHECKING:
    from query.service import AskRequest


def ask(
    context: typer.Context,
    question: Annotated[str, typer.Argument(help="A question about what is in the videos.")],
    k: Count = None,
    video: OneVideo = None,
    option: Annotated[
        list[str] | None,
        typer.Option("--option", metavar="TEXT", help="An answer to choose from; repeat it for each option."),
    ] = None,
    chat: Annotated[
        bool, typer.Option("--chat", help="Go on asking: follow-up questions know what was asked.")
    ] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Let an agent work on it, step by step.")] = False,
    as_json: Json = False,
) -> None:
    """Answer a question, citing the moments that the answer rests on."""
    from query.deep.answering import answer as answered
    from query.deep.answering import deep_answer
    from query.service import AskRequest, open_service
    from reelseek.wire import answer_payload
    from workers.note_sharing import share_notes

    request = AskRequest(question=question, k=k, video_ids=tuple(video or ()), options=tuple(option or ()))
    with share_notes(open_service(settings_of(context))) as service:
        ask_service = deep_answer if deep else answered
        answer = ask_service(service, request, None if as_json else _show_step)
        if as_json:
            print_json(answer_payload(answer))
            return
        _show(answer)
        if chat:
            _converse(lambda request: ask_service(service, request, _show_step), request, answer)


def _converse(ask_one: Callable[[AskRequest], Answer], first: AskRequest, answered: Answer) -> None:
    """Ask until nothing more is typed."""
    history = [_turn(answered)]
    while question := _typed():
        answer = ask_one(replace(first, question=question, options=(), history=tuple(history)))
        if answer.understood:
            error_console().print(f"Understood as: {printable(answer.understood)}", style="dim", markup=False)
        _show(answer)
        history.append(_turn(answer))


def _typed() -> str:
    try:
        return str(typer.prompt("\nNext (empty ends)", default="", show_default=False, err=True)).strip()
    except typer.Abort:
        return ""


def _turn(answer: Answer) -> Turn:
    return Turn(answer.understood or answer.question, answer.answer, answer.citations)


def _show_step(step: Step) -> None:
    told = ", ".join(f"{name}={value}" for name, value in step.arguments.items())
    error_console().print(f"{step.number}. {step.tool}({printable(told)})", style="dim", markup=False)


def _show(answer: Answer) -> None:
    out = console()
    out.print(printable_lines(answer.answer), markup=False)
    titles = {moment.video_id: moment.title for moment in answer.moments}
    for number, citation in enumerate(answer.citations, start=1):
        place = f"{format_time(citation.start)}–{format_time(citation.end)}"
        title = printable(titles.get(citation.video_id, citation.video_id))
        out.print(f"  [{number}] {place}  {title}: {printable(citation.quote)}", markup=False)
    if answer.abstained:
        for number, moment in enumerate(answer.near_misses[:3], start=1):
            out.print(moment_text(number, moment))
    for note in answer.notes:
        error_console().print(f"Note: {printable(note)}", style="yellow", markup=False)
    error_console().print(f"answered by {answer.engine}", style="dim")
