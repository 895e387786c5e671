"""Recording one live source: connects, cuts, has indexed, reconnects, and says how it goes."""

from __future__ import annotations

import logging
import math
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from ingest.live_input import ByteSource, FollowedFile, PacketReader, Pipe, open_live
from ingest.recording import Recorder, Recording, salvage
from library.catalogue import Catalogue
from library.records import Gap, Library, Source, SourceState
from reelseek.errors import Conflict, InvalidRequest, JobLost, MediaError, NotFound, ReelseekError, StorageError
from reelseek.settings import Settings
from reelseek.urls import masked
from workers.enqueue import enqueue_recording
from workers.processes import is_dead, worker_name
from workers.recordings import drop_old, library_of

__all__ = ["FollowedFile", "LiveRecording", "Pipe"]

_NOTE_SECONDS = 10.0
_TIDY_SECONDS = 60.0
_DISK_SECONDS = 5.0
_STEADY_SECONDS = 10.0

_log = logging.getLogger(__name__)


class LiveRecording:
    """Records one source in the calling thread until it ends or is told to stop.

    Args:
        catalogue: where the source, its library and its jobs are.
        settings: the settings.
        source: which one.
        stop: set from outside to end it.
        opened: makes what is read for a pipe or a file; None opens the source's URL.
        begin: when its first picture was taken, where a person knows that.
        say: told each thing that a person wants to know, one sentence without secrets.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        settings: Settings,
        source: Source,
        stop: threading.Event,
        *,
        opened: Callable[[], ByteSource] | None = None,
        begin: datetime | None = None,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self._catalogue, self._settings, self._source, self._stop = catalogue, settings, source, stop
        self._opened, self._begin = opened, begin
        self._say = say or (lambda text: _log.warning("%s: %s", source.name, text))
        self._state, self._detail = SourceState.WAITING, ""
        self._noted = self._tidied = -math.inf
        self._lost_at: datetime | None = None
        self._reason = ""
        self._resume = -math.inf
        self._library: Library | None = None
        self.recorded = 0
        """How many chunks were recorded."""

    def run(self) -> SourceState:
        """Record.

        Returns:
            How it ended: `ended`, because the source did, or `stopped`.

        Raises:
            Conflict: another process records this source.
            StorageError: the catalogue or the folder cannot be used at all.
        """
        self._claim()
        state, detail = SourceState.STOPPED, ""
        try:
            self._library = library_of(self._catalogue, self._settings, self._source)
            self._salvage()
            state = self._keep_recording()
        except JobLost as error:
            self._say(str(error))
        except ReelseekError as error:
            detail = str(error)
            raise
        finally:
            self._catalogue.release_source(self._source, state, detail)
        return state

    def _claim(self) -> None:
        holder = self._source.holder
        claimed = self._catalogue.claim_source(
            self._source, worker_name(), takes_from=holder if is_dead(holder) else ""
        )
        if claimed is None:
            raise Conflict(f"The source {self._source.name} is recorded by {holder or 'another process'} already.")
        self._source = claimed

    def _salvage(self) -> None:
        saved, removed = salvage(self._folder)
        for recording in saved:
            self._say(f"{recording.path.name} was left unfinished; {recording.duration:.0f} s of it are saved.")
            self._keep(recording)
        if removed:
            self._say(f"{removed} unfinished recordings held nothing and are removed.")

    def _keep_recording(self) -> SourceState:
        failures = 0
        while not self._stop.is_set():
            self._tidy()
            if not self._has_room():
                self._stop.wait(_DISK_SECONDS)
                continue
            self._note(SourceState.RECONNECTING if self._lost_at else SourceState.CONNECTING, self._reason)
            began = time.monotonic()
            try:
                if self._connection():
                    return SourceState.ENDED
                reason = "The source ended."
            except InvalidRequest:
                raise
            except StorageError as error:
                self._full(str(error))
                self._stop.wait(_DISK_SECONDS)
                continue
            except MediaError as error:
                reason = str(error)
            if self._stop.is_set():
                break
            if self._opened is not None:
                raise MediaError(reason)
            self._lost(reason)
            failures = 0 if time.monotonic() - began > _STEADY_SECONDS else failures + 1
            self._pause(min(self._settings.live.reconnect_seconds, 2.0 ** min(failures, 10) / 2))
        return SourceState.STOPPED

    def _connection(self) -> bool:
        """Record one connection to its end; whether that is the end of the source."""
        live = open_live(self._opened() if self._opened else self._source.url, self._settings.live)
        reader = PacketReader(live)
        try:
            if live.finite and self._lost_at is not None and self._opened is None:
                self._say("It has ended: what is there now is a finished recording.")
                return True
            recorder = Recorder(
                live,
                self._folder,
                self._source.name,
                self._source.chunk_seconds or self._settings.live.chunk_seconds,
                begin=self._begin,
                resume=self._resume if live.is_playlist else -math.inf,
            )
            try:
                self._read(reader, recorder)
                for recording in recorder.finish():
                    self._keep(recording)
            except BaseException:
                self._rescue(recorder)
                raise
            finally:
                self._resume = recorder.last_raw
        finally:
            reader.close()
        return live.finite or self._opened is not None

    def _read(self, reader: PacketReader, recorder: Recorder) -> None:
        heard = time.monotonic()
        for item in reader:
            if self._stop.is_set():
                return
            moment = time.monotonic()
            if item is None:
                found = recorder.idle(time.time())
                if self._opened is None and moment - heard > 2 * self._settings.live.stall_seconds:
                    raise MediaError("It fell silent.")
            else:
                heard = moment
                found = recorder.feed(*item)
                if self._state is not SourceState.RECORDING:
                    self._back()
            for recording in found:
                self._keep(recording)
                if not self._has_room():
                    raise StorageError(self._detail)
            for start, end in recorder.gaps:
                self._gap(Gap(start, end, "It sent nothing."))
            recorder.gaps.clear()
            if moment - self._noted > _NOTE_SECONDS:
                self._note(self._state, self._detail)
            self._tidy()

    def _rescue(self, recorder: Recorder) -> None:
        """A connection broke: what it brought is kept, unless the disk is what refuses."""
        try:
            whole = list(recorder.finish())
        except (MediaError, StorageError) as error:
            self._say(f"The last recording is lost: {error}")
            recorder.abandon()
            return
        with suppress(JobLost):
            for recording in whole:
                self._keep(recording)

    def _keep(self, recording: Recording) -> None:
        assert self._library is not None
        self.recorded += 1
        try:
            self._catalogue.library(self._library.library_id)
        except NotFound:  # the source was removed with all its recordings
            recording.path.unlink(missing_ok=True)
            raise JobLost(f"The source {self._source.name} was removed.") from None
        try:
            enqueue_recording(self._catalogue, self._settings, recording.path, self._library.library_id)
        except StorageError as error:
            self._say(f"{recording.path.name} is indexed with the next scan: {error}")
        self._note(self._state, self._detail, chunk_end=recording.end)

    @property
    def _folder(self) -> Path:
        assert self._library is not None
        return Path(self._library.path)

    def _has_room(self) -> bool:
        try:
            free = shutil.disk_usage(self._folder).free
        except OSError as error:
            self._full(f"The folder of recordings cannot be used: {error.strerror}.")
            return False
        if free >= self._settings.live.min_free_bytes:
            return True
        wanted = self._settings.live.min_free_bytes >> 20
        self._full(f"The disk has {free >> 20} MiB free; recording goes on from {wanted} MiB (live.min_free_bytes).")
        return False

    def _full(self, reason: str) -> None:
        if self._state is not SourceState.FULL:
            self._say(f"Recording stops. {reason}")
            self._lost_at = self._lost_at or datetime.now(UTC)
        self._reason = reason
        self._note(SourceState.FULL, reason)

    def _lost(self, reason: str) -> None:
        if self._lost_at is None:
            self._lost_at = datetime.now(UTC)
        if self._state is not SourceState.RECONNECTING or reason != self._reason:
            self._say(f"{reason} It is tried again.")
        self._reason = reason
        self._note(SourceState.RECONNECTING, reason)

    def _back(self) -> None:
        """Packets come, again or for the first time."""
        if self._lost_at is not None:
            self._gap(Gap(self._lost_at, datetime.now(UTC), self._reason))
        else:
            what = "standard input" if self._source.kind == "pipe" else masked(self._source.url)
            self._say(f"Recording {what} into {self._folder}")
        self._lost_at, self._reason = None, ""
        self._note(SourceState.RECORDING)

    def _gap(self, gap: Gap) -> None:
        length = (gap.end - gap.start).total_seconds()
        self._say(f"A gap of {length:.0f} s from {gap.start:%Y-%m-%d %H:%M:%S} UTC. {gap.reason}")
        self._note(SourceState.RECORDING, gap=gap)

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not self._stop.is_set() and (left := until - time.monotonic()) > 0:
            self._stop.wait(min(left, _NOTE_SECONDS))
            self._note(self._state, self._detail)
            self._tidy()

    def _tidy(self) -> None:
        """Delete what is too old, once a minute."""
        if time.monotonic() - self._tidied < _TIDY_SECONDS:
            return
        self._tidied = time.monotonic()
        assert self._library is not None
        try:
            drop_old(self._catalogue, self._settings, self._source, self._library)
        except StorageError as error:
            self._say(f"Old recordings cannot be deleted: {error}")

    def _note(
        self, state: SourceState, detail: str = "", *, gap: Gap | None = None, chunk_end: datetime | None = None
    ) -> None:
        """Write the state down. A catalogue that cannot be written, as on a full disk, ends no recording."""
        self._state, self._detail, self._noted = state, detail, time.monotonic()
        try:
            self._catalogue.note_source(self._source, state, detail, gap=gap, chunk_end=chunk_end)
        except StorageError as error:
            _log.warning("%s: its state cannot be noted: %s", self._source.name, error)
