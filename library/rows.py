"""Changes of rows that several parts of the catalogue make."""

from __future__ import annotations

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from library.database import changed, now
from library.schema import IngestRow, RevisionRow, VideoRow

WRITING, LIVE, STALE = "writing", "live", "stale"
"""States of a set of index rows: hidden and growing, seen, hidden for good."""


def raise_revision(session: Session) -> None:
    """Note that what readers may see has changed."""
    session.execute(update(RevisionRow).where(RevisionRow.name == "index").values(value=RevisionRow.value + 1))


def retire(session: Session, *conditions: ColumnElement[bool]) -> None:
    """Hide sets of index rows for good."""
    if changed(
        session, update(IngestRow).where(IngestRow.state != STALE, *conditions).values(state=STALE, ended_at=now())
    ):
        raise_revision(session)


def delete_row(session: Session, row: VideoRow) -> None:
    """Delete a video and hide its index rows."""
    retire(session, IngestRow.video_id == row.video_id)
    session.delete(row)


def drop_replaced(session: Session, by: str) -> None:
    """Delete the videos whose only path got the content that is now published."""
    for row in session.scalars(select(VideoRow).where(VideoRow.replaced_by == by)):
        if not row.locations:
            delete_row(session, row)
