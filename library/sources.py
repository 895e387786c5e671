"""Live sources: which there are, who records them, and how that goes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from library.conversion import source_record
from library.database import Database, changed, now, storable
from library.records import Gap, Source, SourceState
from library.schema import SourceRow
from reelseek.errors import Conflict, JobLost, NotFound

LEASE_SECONDS = 30.0
"""A source whose recorder is silent this long may be taken by another."""

_GAPS_KEPT = 20


class Sources:
    """The part of the catalogue that knows the live sources.

    One process records a source at a time: it claims the source, renews its lease with everything that it writes, and
    is told by `JobLost` when the source is another's or was removed.
    """

    database: Database

    def add_source(
        self, name: str, url: str, kind: str, *, chunk_seconds: float | None = None, keep_hours: float | None = None
    ) -> Source:
        """Note a live source.

        Args:
            kind: `url`, `pipe` or `file`.

        Raises:
            Conflict: the name is taken.
        """
        try:
            with self.database.write() as session:
                row = SourceRow(
                    name=storable(name),
                    kind=kind,
                    url=storable(url),
                    chunk_seconds=chunk_seconds,
                    keep_hours=keep_hours,
                    added_at=now(),
                    state=SourceState.WAITING,
                    detail="",
                    holder="",
                    chunk_count=0,
                    gap_count=0,
                    gaps=[],
                )
                session.add(row)
                session.flush()
                return source_record(row)
        except IntegrityError as error:
            raise Conflict(
                f"There is a source named {storable(name)} already.", hint="Give it another name."
            ) from error

    def sources(self, kind: str | None = None) -> list[Source]:
        """All live sources, by name."""
        statement = select(SourceRow).order_by(SourceRow.name)
        if kind is not None:
            statement = statement.where(SourceRow.kind == kind)
        with self.database.read() as session:
            return [source_record(row) for row in session.scalars(statement)]

    def source(self, name: str) -> Source:
        """A live source.

        Raises:
            NotFound: there is none.
        """
        with self.database.read() as session:
            return source_record(_find(session, name))

    def change_source(
        self, source: Source, kind: str, url: str, *, chunk_seconds: float | None, keep_hours: float | None
    ) -> Source:
        """Read a pipe or a file under a name that was used before.

        Raises:
            NotFound: it is gone.
        """
        with self.database.write() as session:
            row = _find(session, source.name)
            row.kind, row.url = kind, storable(url)
            row.chunk_seconds, row.keep_hours = chunk_seconds, keep_hours
            session.flush()
            return source_record(row)

    def remove_source(self, name: str) -> Source:
        """Forget a live source; its recorder ends at its next write. What is recorded stays.

        Raises:
            NotFound: there is none.
        """
        with self.database.write() as session:
            row = _find(session, name)
            record = source_record(row)
            session.delete(row)
            return record

    def claim_source(self, source: Source, holder: str, *, takes_from: str = "") -> Source | None:
        """Take a source to record it, or None when another process records it or it is gone.

        Args:
            source: which one.
            holder: this process.
            takes_from: a holder that is known to be dead; its lease does not count.
        """
        moment = now()
        free = or_(
            SourceRow.holder.in_(["", storable(holder), *([takes_from] if takes_from else [])]),
            SourceRow.lease_until < moment,
        )
        with self.database.write() as session:
            values = {"holder": storable(holder), "lease_until": moment + timedelta(seconds=LEASE_SECONDS)}
            taken = changed(
                session, update(SourceRow).where(SourceRow.source_id == source.source_id, free).values(**values)
            )
            return source_record(session.get_one(SourceRow, source.source_id)) if taken else None

    def note_source(
        self,
        source: Source,
        state: SourceState,
        detail: str = "",
        *,
        gap: Gap | None = None,
        chunk_end: datetime | None = None,
    ) -> None:
        """Write how the recording goes, and renew the lease.

        Args:
            source: as it was claimed.
            detail: what is the matter, without any secret.
            gap: a stretch that was missed.
            chunk_end: a chunk was recorded that ends then.

        Raises:
            JobLost: the source is no longer this process's.
        """
        with self.database.write() as session:
            row = session.get(SourceRow, source.source_id, with_for_update=True)
            if row is None or row.holder != source.holder:
                raise JobLost(f"The source {source.name} is no longer recorded by this process.")
            row.state, row.detail = state, storable(detail)
            row.lease_until = now() + timedelta(seconds=LEASE_SECONDS)
            if gap is not None:
                row.gap_count += 1
                row.gaps = [*row.gaps, _gap_payload(gap)][-_GAPS_KEPT:]
            if chunk_end is not None:
                row.chunk_count += 1
                row.last_chunk_at = chunk_end

    def release_source(self, source: Source, state: SourceState, detail: str = "") -> None:
        """Let go of a source; nothing happens when it is gone or another's."""
        with self.database.write() as session:
            session.execute(
                update(SourceRow)
                .where(SourceRow.source_id == source.source_id, SourceRow.holder == source.holder)
                .values(state=state, detail=storable(detail), holder="", lease_until=None)
            )


def _find(session: Session, name: str) -> SourceRow:
    row = session.scalar(select(SourceRow).where(SourceRow.name == storable(name)))
    if row is None:
        raise NotFound(f"There is no source {storable(name)}.", hint="`reelseek live list` shows them.")
    return row


def _gap_payload(gap: Gap) -> dict[str, Any]:
    return {"start": gap.start.isoformat(), "end": gap.end.isoformat(), "reason": storable(gap.reason)}
