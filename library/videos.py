"""Videos, known by their content, and the paths at which they lie."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable
from dataclasses import asdict
from pathlib import Path

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from library.conversion import preferred_path, video_record
from library.database import Database, changed, now, storable
from library.records import FileState, VideoEntry, VideoState
from library.rows import delete_row
from library.schema import LocationRow, TagRow, VideoRow
from reelseek.errors import InvalidRequest, NotFound
from reelseek.records import VideoInfo

_NAMED = 5
"""Videos that are told where a name fits several."""


class Videos:
    """The part of the catalogue that knows the videos."""

    database: Database

    def record_video(self, info: VideoInfo, path: str | Path, library_id: int | None = None) -> VideoEntry:
        """Note that a video lies at a path. A copy or a new name adds a location; new content at a path moves it over.

        A path whose content changed leaves the old video without a location; that video is removed when the new one is
        published, and stays searchable until then.

        Raises:
            NotFound: the file is gone.
        """
        place = _stat(path)
        with self.database.write() as session:
            row = session.get(VideoRow, info.video_id)
            if row is None:
                row = VideoRow(video_id=info.video_id, title="", added_at=now(), state=VideoState.NEW)
                session.add(row)
            if row.title == "" or preferred_path(row.locations) == str(path) or not _exists_elsewhere(row, path):
                row.title = storable(info.title)
            row.duration, row.width, row.height = info.duration, info.width, info.height
            row.has_audio, row.size = info.has_audio, info.size
            row.info = asdict(info)
            row.replaced_by = None
            session.flush()
            _locate(session, row, str(path), place, library_id, failed=False)
            if row.state in (VideoState.MISSING, VideoState.FAILED):
                row.state, row.error = (VideoState.INDEXED if row.live_ingest else VideoState.NEW), ""
            _refresh_search_key(row)
            session.flush()
            return video_record(row)

    def mark_failed(
        self, path: str | Path, reason: str, *, video_id: str | None = None, library_id: int | None = None
    ) -> VideoEntry:
        """Note that a file cannot be indexed, and why. A video that is already searchable stays so, with the reason.

        Args:
            path: the file. It may be gone, or its content unreadable.
            reason: one sentence that a person is shown.
            video_id: identity of the content where it is known.
        """
        try:
            place: os.stat_result | None = Path(path).stat()
        except OSError:
            place = None
        with self.database.write() as session:
            known = session.get(LocationRow, str(path))
            unread = hashlib.sha256(b"path:" + os.fsencode(path)).hexdigest()[:32]
            key = video_id or (known.video_id if known else unread)
            row = session.get(VideoRow, key)
            if row is None:
                title = storable(Path(path).stem)
                row = VideoRow(video_id=key, title=title, added_at=now(), state=VideoState.FAILED)
                session.add(row)
            row.state = VideoState.INDEXED if row.live_ingest else VideoState.FAILED
            row.error = storable(reason)
            row.size = place.st_size if place else row.size or 0
            session.flush()
            _locate(session, row, str(path), place, library_id, failed=True)
            _refresh_search_key(row)
            session.flush()
            return video_record(row)

    def video(self, video_id: str) -> VideoEntry:
        """A video.

        Raises:
            NotFound: there is none.
        """
        with self.database.read() as session:
            row = session.get(VideoRow, storable(video_id))
            if row is None:
                raise NotFound(f"There is no video {storable(video_id)}.", hint="`reelseek videos` lists them.")
            return video_record(row)

    def find_video(self, video_id: str) -> VideoEntry | None:
        """A video, or None."""
        with self.database.read() as session:
            row = session.get(VideoRow, storable(video_id))
            return video_record(row) if row else None

    def named_video(self, name: str) -> VideoEntry:
        """The video with this id, or the only one whose title or file name holds all these words.

        Raises:
            NotFound: there is none.
            InvalidRequest: there are several.
        """
        if (exact := self.find_video(name)) is not None:
            return exact
        found = self.videos(query=name, limit=_NAMED) if name.strip() else []
        if not found:
            raise NotFound(f"There is no video {storable(name)}.", hint="`reelseek videos` lists them.")
        if len(found) > 1:
            ids = ", ".join(f"{entry.video_id} ({entry.title})" for entry in found)
            raise InvalidRequest(f"Several videos are called so: {ids}.", hint="Name one by its id.")
        return found[0]

    def videos(
        self,
        library: int | None = None,
        query: str | None = None,
        ids: Collection[str] | None = None,
        *,
        state: VideoState | None = None,
        tag: str | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[VideoEntry]:
        """Videos, newest first.

        Args:
            library: only those with a location in this library.
            query: only those whose title or file name holds all of these words, whatever their case.
            ids: only these.
        """
        statement = (
            select(VideoRow)
            .where(*_conditions(library, query, ids, state, tag))
            .order_by(VideoRow.added_at.desc(), VideoRow.video_id)
            .offset(offset)
            .limit(limit)
        )
        with self.database.read() as session:
            return [video_record(row) for row in session.scalars(statement)]

    def count_videos(
        self,
        library: int | None = None,
        query: str | None = None,
        ids: Collection[str] | None = None,
        *,
        state: VideoState | None = None,
        tag: str | None = None,
    ) -> int:
        """How many videos `videos` would give without a limit."""
        conditions = _conditions(library, query, ids, state, tag)
        statement = select(func.count()).select_from(VideoRow).where(*conditions)
        with self.database.read() as session:
            return session.scalar(statement) or 0

    def file_state(self, path: str | Path) -> FileState | None:
        """What was last seen at a path, or None for an unknown one."""
        with self.database.read() as session:
            row = session.get(LocationRow, str(path))
            return FileState(row.size, row.mtime_ns, row.video_id, row.failed) if row else None

    def file_states(self, library_id: int) -> dict[str, FileState]:
        """What was last seen in a library, by path."""
        with self.database.read() as session:
            rows = session.scalars(select(LocationRow).where(LocationRow.library_id == library_id))
            return {row.path: FileState(row.size, row.mtime_ns, row.video_id, row.failed) for row in rows}

    def adopt_locations(self, library_id: int, paths: Collection[str]) -> None:
        """Count places that were indexed without a library (before there was one, or by hand) as a library's own."""
        with self.database.write() as session:
            for row in session.scalars(select(LocationRow).where(LocationRow.library_id.is_(None))):
                if row.path in paths:
                    row.library_id = library_id

    def remove_location(self, path: str | Path) -> VideoEntry | None:
        """Forget a path that is gone. A video without any other is missing, yet found; one never indexed is dropped.

        Returns:
            The video as it is now, or None where the path was unknown or its video was dropped.
        """
        with self.database.write() as session:
            place = session.get(LocationRow, str(path))
            if place is None:
                return None
            row = session.get_one(VideoRow, place.video_id)
            row.locations.remove(place)
            session.flush()
            _without_location(session, row)
            session.flush()
            return None if row.locations == [] and row.live_ingest is None else video_record(row)

    def set_state(self, video_id: str, state: VideoState) -> None:
        """Say where a video stands; nothing happens when it is gone."""
        with self.database.write() as session:
            session.execute(update(VideoRow).where(VideoRow.video_id == video_id).values(state=state))

    def want(self, video_id: str, fingerprint: str) -> bool:
        """Note what a video's rows are to become; whether that is neither what they are nor what was noted before."""
        with self.database.write() as session:
            wanted = (VideoRow.wanted_fingerprint, VideoRow.ingest_fingerprint)
            statement = update(VideoRow).where(
                VideoRow.video_id == video_id, *(func.coalesce(column, "") != fingerprint for column in wanted)
            )
            return changed(session, statement.values(wanted_fingerprint=fingerprint)) == 1

    def set_tags(self, video_id: str, tags: Iterable[str]) -> VideoEntry:
        """Replace a video's tags.

        Raises:
            NotFound: there is no such video.
            InvalidRequest: a tag is longer than 100 characters.
        """
        wanted = sorted({storable(tag).strip().casefold() for tag in tags} - {""})
        if any(len(tag) > 100 for tag in wanted):
            raise InvalidRequest("A tag has at most 100 characters.")
        with self.database.write() as session:
            row = session.get(VideoRow, storable(video_id))
            if row is None:
                raise NotFound(f"There is no video {storable(video_id)}.")
            row.tags = [tag for tag in row.tags if tag.tag in wanted]
            present = {tag.tag for tag in row.tags}
            row.tags += [TagRow(tag=tag) for tag in wanted if tag not in present]
            session.flush()
            return video_record(row)

    def delete_video(self, video_id: str) -> None:
        """Forget a video. Its index rows are hidden at once and purged later; the file is not touched.

        Raises:
            NotFound: there is none.
        """
        with self.database.write() as session:
            row = session.get(VideoRow, storable(video_id))
            if row is None:
                raise NotFound(f"There is no video {storable(video_id)}.")
            delete_row(session, row)


def _locate(
    session: Session, row: VideoRow, path: str, stat: os.stat_result | None, library_id: int | None, *, failed: bool
) -> None:
    """Put a path at a video, taking it from the one that had it."""
    place = session.get(LocationRow, path)
    size, mtime_ns = (stat.st_size, stat.st_mtime_ns) if stat else (0, 0)
    if place is not None and place.video_id != row.video_id:
        library_id = place.library_id if library_id is None else library_id
        before = session.get_one(VideoRow, place.video_id)
        before.locations.remove(place)
        session.flush()
        if not before.locations:
            _inherit(session, before, row.video_id)
            _without_location(session, before)
        place = None
    if place is None:
        row.locations.append(
            LocationRow(path=path, size=size, mtime_ns=mtime_ns, library_id=library_id, seen_at=now(), failed=failed)
        )
        return
    place.size, place.mtime_ns, place.failed = size, mtime_ns, failed
    if library_id is not None:
        place.library_id = library_id


def _inherit(session: Session, before: VideoRow, by: str) -> None:
    """A video gave way to another one, and so did those that it had replaced without ever being published."""
    before.replaced_by = by
    session.execute(update(VideoRow).where(VideoRow.replaced_by == before.video_id).values(replaced_by=by))


def _without_location(session: Session, row: VideoRow) -> None:
    if row.locations:
        return
    if row.live_ingest is None:
        delete_row(session, row)
    else:
        row.state = VideoState.MISSING


def _exists_elsewhere(row: VideoRow, path: str | Path) -> bool:
    return any(place.path != str(path) and Path(place.path).exists() for place in row.locations)


def _stat(path: str | Path) -> os.stat_result:
    try:
        return Path(path).stat()
    except OSError as error:
        raise NotFound(f"The file {storable(str(path))} cannot be read: {error.strerror}.") from error


def _refresh_search_key(row: VideoRow) -> None:
    names = [Path(place.path).name for place in row.locations]
    row.search_key = storable("\n".join([row.title, *names]).casefold())


def _conditions(
    library: int | None, query: str | None, ids: Collection[str] | None, state: VideoState | None, tag: str | None
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if library is not None:
        conditions.append(VideoRow.locations.any(LocationRow.library_id == library))
    for word in storable(query or "").casefold().split():
        conditions.append(VideoRow.search_key.contains(word, autoescape=True))
    if ids is not None:
        conditions.append(VideoRow.video_id.in_([storable(key) for key in ids]))
    if state is not None:
        conditions.append(VideoRow.state == state)
    if tag is not None:
        conditions.append(VideoRow.tags.any(TagRow.tag == storable(tag).strip().casefold()))
    return conditions
