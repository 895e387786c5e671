"""Which set of index rows of a video readers see. Publishing is one transaction here, whatever was written before."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import timedelta

from sqlalchemy import delete, select, update

from library.conversion import ingest_record, video_record
from library.database import Database, changed, now
from library.records import Counts, Ingest, VideoEntry, VideoState, Visibility
from library.rows import LIVE, STALE, WRITING, drop_replaced, raise_revision, retire
from library.schema import IngestRow, RevisionRow, VideoRow
from reelseek.errors import JobLost, NotFound

GRACE_SECONDS = 30.0
"""Rows are purged this long after they were hidden: a search that began before may still be reading them."""

ABANDONED_SECONDS = 3600.0
"""An ingest that is still being written after this long belongs to a process that died."""


class Ingests:
    """The part of the catalogue that knows the sets of index rows."""

    database: Database

    def begin_ingest(self, video_id: str, fingerprint: str) -> str:
        """Register a set of rows before the first is written; it is hidden until it is published.

        Another set of the video that was being written is given up: its writer cannot publish any more.

        Raises:
            NotFound: there is no such video.
        """
        ingest_id = uuid.uuid4().hex
        with self.database.write() as session:
            row = session.get(VideoRow, video_id)
            if row is None:
                raise NotFound(f"There is no video {video_id}.")
            retire(session, IngestRow.video_id == video_id, IngestRow.state == WRITING)
            session.add(
                IngestRow(
                    ingest_id=ingest_id, video_id=video_id, fingerprint=fingerprint, state=WRITING, begun_at=now()
                )
            )
            raise_revision(session)
        return ingest_id

    def publish(
        self, ingest_id: str, counts: Counts, channels: dict[str, str | None], *, partial: bool = False
    ) -> VideoEntry:
        """Make a set of rows the one that readers see, in one transaction, and hide the one before.

        Args:
            channels: channel to the id of the engine that filled it, None where it is off.
            partial: they are of the video's beginning alone; its indexing goes on.

        Raises:
            JobLost: the set was given up meanwhile: the video was deleted, or another process began anew.
        """
        with self.database.write() as session:
            ingest = session.get(IngestRow, ingest_id)
            claimed = changed(
                session,
                update(IngestRow)
                .where(IngestRow.ingest_id == ingest_id, IngestRow.state == WRITING)
                .values(state=LIVE, ended_at=now()),
            )
            row = session.get(VideoRow, ingest.video_id) if ingest else None
            if ingest is None or row is None or claimed != 1:
                raise JobLost("Another process took over this video; these rows are dropped.")
            retire(
                session,
                IngestRow.video_id == row.video_id,
                IngestRow.state == LIVE,
                IngestRow.ingest_id != ingest_id,
            )
            row.live_ingest, row.ingest_fingerprint = ingest_id, ingest.fingerprint
            row.segment_count, row.frame_count, row.line_count = counts.segments, counts.frames, counts.lines
            row.channels, row.indexed_at, row.error = dict(channels), now(), ""
            finished = VideoState.INDEXED if row.locations else VideoState.MISSING
            row.state = VideoState.INDEXING if partial else finished
            drop_replaced(session, row.video_id)
            raise_revision(session)
            session.flush()
            return video_record(row)

    def abandon_ingest(self, ingest_id: str) -> None:
        """Give up a set of rows that was not published."""
        with self.database.write() as session:
            retire(session, IngestRow.ingest_id == ingest_id, IngestRow.state == WRITING)

    def hidden_ingests(self) -> frozenset[str]:
        """Every registered set of rows that readers must not see."""
        return self.visibility().hidden

    def visibility(self) -> Visibility:
        """The hidden sets together with the revision of that answer (one statement, so that they agree)."""
        statement = (
            select(RevisionRow.value, IngestRow.ingest_id)
            .outerjoin(IngestRow, IngestRow.state != LIVE)
            .where(RevisionRow.name == "index")
        )
        with self.database.read() as session:
            rows = session.execute(statement).all()
        return Visibility(rows[0][0], frozenset(ingest_id for _, ingest_id in rows if ingest_id is not None))

    def stale_ingests(self, grace: float = GRACE_SECONDS) -> list[str]:
        """The sets whose rows can be purged: hidden for `grace` seconds, or left by a process that died."""
        moment = now()
        with self.database.write() as session:
            retire(
                session,
                IngestRow.state == WRITING,
                IngestRow.begun_at < moment - timedelta(seconds=ABANDONED_SECONDS),
            )
            statement = select(IngestRow.ingest_id).where(
                IngestRow.state == STALE, IngestRow.ended_at <= moment - timedelta(seconds=grace)
            )
            return list(session.scalars(statement))

    def forget_ingests(self, ingest_ids: Iterable[str]) -> None:
        """Drop sets from the register after their rows were purged."""
        with self.database.write() as session:
            if changed(
                session, delete(IngestRow).where(IngestRow.state == STALE, IngestRow.ingest_id.in_(list(ingest_ids)))
            ):
                raise_revision(session)

    def ingests(self, video_id: str | None = None) -> list[Ingest]:
        """The registered sets, oldest first."""
        statement = select(IngestRow).order_by(IngestRow.begun_at)
        if video_id is not None:
            statement = statement.where(IngestRow.video_id == video_id)
        with self.database.read() as session:
            return [ingest_record(row) for row in session.scalars(statement)]
