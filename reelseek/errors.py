"""One root for every error a user can meet, with the exit code and the HTTP status each one maps to."""

from __future__ import annotations

from typing import ClassVar


class ReelseekError(Exception):
    """Root of all errors that are told to a user in one sentence, without a traceback.

    Attributes:
        exit_code: what the command line exits with.
        status: the HTTP status of the problem+json answer.
        kind: a short stable name, the last part of the problem's `type`.
        hint: what the user can do about it, or an empty string.
    """

    exit_code: ClassVar[int] = 1
    status: ClassVar[int] = 500
    kind: ClassVar[str] = "error"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class SettingsError(ReelseekError):
    """A setting is unknown or has a value that does not fit."""

    exit_code, status, kind = 2, 500, "settings"


class InvalidRequest(ReelseekError):
    """What was asked cannot be understood: an empty query, a negative k, a bad time."""

    exit_code, status, kind = 2, 422, "invalid-request"


class NotFound(ReelseekError):
    """A video, library, job or file that is asked for is not there."""

    exit_code, status, kind = 4, 404, "not-found"


class Conflict(ReelseekError):
    """The thing exists already, or its state forbids what was asked."""

    exit_code, status, kind = 5, 409, "conflict"


class Forbidden(ReelseekError):
    """The key does not allow it, or the bind address is refused."""

    exit_code, status, kind = 6, 403, "forbidden"


class Unauthorized(ReelseekError):
    """No valid API key came with the request."""

    exit_code, status, kind = 6, 401, "unauthorized"


class MediaError(ReelseekError):
    """A file is no video that can be read; the message is the reason a person is shown."""

    exit_code, status, kind = 3, 422, "unreadable-media"


class EngineUnavailable(ReelseekError):
    """An engine that was named cannot run: its extra or its weights are missing."""

    exit_code, status, kind = 7, 503, "engine-unavailable"


class WeightsError(ReelseekError):
    """Weights cannot be fetched, or do not match their checksum."""

    exit_code, status, kind = 7, 503, "weights"


class IndexBusy(ReelseekError):
    """Another process holds the index for writing and did not let go in time."""

    exit_code, status, kind = 8, 503, "index-busy"


class IndexDamaged(ReelseekError):
    """A table cannot be read; it can be rebuilt from the artefacts."""

    exit_code, status, kind = 8, 503, "index-damaged"


class Busy(ReelseekError):
    """As much of this is under way as may be at once; later it can be asked for again."""

    exit_code, status, kind = 5, 503, "busy"


class SpaceMismatch(ReelseekError):
    """Vectors of one model would be mixed with, or searched by, those of another."""

    exit_code, status, kind = 8, 409, "vector-space-mismatch"


class StorageError(ReelseekError):
    """The data folder cannot be written: full, read-only, or gone."""

    exit_code, status, kind = 9, 507, "storage"


class JobLost(ReelseekError):
    """The lease on a job ran out or was taken by another worker; its work is dropped."""

    exit_code, status, kind = 1, 409, "job-lost"


class Cancelled(ReelseekError):
    """The work was asked to stop."""

    exit_code, status, kind = 130, 499, "cancelled"
