"""`reelseek remove`: forget videos and what was found in them."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.context import settings_of
from cli.output import console, printable


def remove(
    context: typer.Context,
    videos: Annotated[list[str], typer.Argument(help="Its id, or words of its title or file name; also several.")],
) -> None:
    """Remove videos and all that was found in them. Files stay where they are, only uploaded ones are deleted.

    What lies in a watched folder would come back with the next scan, and is not removed: take the file out of it.
    """
    from library.catalogue import open_catalogue
    from reelseek.artefacts import ArtefactStore
    from workers.removing import remove_video

    settings = settings_of(context)
    with open_catalogue(settings) as catalogue:
        store = ArtefactStore(settings.artefacts_url)
        for video_id in dict.fromkeys(catalogue.named_video(name).video_id for name in videos):
            removed = remove_video(catalogue, store, settings, video_id)
            console().print(f"Removed {printable(removed.title)} ({video_id}).", markup=False, soft_wrap=True)
