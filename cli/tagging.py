"""`reelseek tag`: a person's own labels on a video, which `tag:` in a search asks for."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.context import settings_of
from cli.output import console, printable


def tag(
    context: typer.Context,
    video: Annotated[str, typer.Argument(help="Its id, or words of its title or file name.")],
    tags: Annotated[list[str] | None, typer.Argument(help="Tags to add; none only shows them.")] = None,
    remove: Annotated[
        list[str] | None, typer.Option("--remove", metavar="TAG", help="A tag to take away; repeatable.")
    ] = None,
) -> None:
    """Tag a video; `tag:NAME` then searches only videos with that tag."""
    from library.catalogue import open_catalogue

    with open_catalogue(settings_of(context)) as catalogue:
        entry = catalogue.named_video(video)
        gone = {name.strip().casefold() for name in remove or ()}
        if tags or gone:
            kept = [name for name in (*entry.tags, *(tags or ())) if name.strip().casefold() not in gone]
            entry = catalogue.set_tags(entry.video_id, kept)
    console().print(f"{printable(entry.title)}: {printable(', '.join(entry.tags)) or 'no tags'}", markup=False)
