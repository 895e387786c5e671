"""What the views work with: settings, catalogue, artefacts, and the query service, which loads when first needed."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from flask import current_app, request

from library.catalogue import Catalogue, open_catalogue
from library.ledger import Ledger
from reelseek.artefacts import ArtefactStore
from reelseek.errors import ReelseekError
from reelseek.settings import Settings

if TYPE_CHECKING:
    from query.service import QueryService
    from workers.clips import Clips

_EXTENSION = "reelseek"
_log = logging.getLogger(__name__)


class Backend:
    """One per app, shared by its threads.

    Args:
        settings: as loaded.
        service: a ready query service; None opens one at the first search, or in `warm`.
    """

    def __init__(self, settings: Settings, service: QueryService | None = None) -> None:
        self.settings = settings
        self.catalogue: Catalogue = open_catalogue(settings)
        self.ledger = Ledger(self.catalogue, settings.workers)
        self.store = ArtefactStore(settings.artefacts_url)
        self._service = service
        self._owned = service is None
        self._clips: Clips | None = None
        self._lock = threading.Lock()
        self._warm = threading.Event()
        self._warming = False

    @property
    def service(self) -> QueryService:
        """The query service."""
        with self._lock:
            if self._service is None:
                from query.service import open_service
                from workers.note_sharing import share_notes

                self._service = share_notes(open_service(self.settings))
            return self._service

    @property
    def clips(self) -> Clips:
        """What cuts clips."""
        with self._lock:
            if self._clips is None:
                from workers.clips import Clips

                self._clips = Clips(self.settings)
            return self._clips

    @property
    def is_warm(self) -> bool:
        """Whether the engines that questions need are loaded."""
        return self._warm.is_set()

    @property
    def is_warming(self) -> bool:
        """Whether they are being loaded just now, so that a search waits for them."""
        return self._warming and not self._warm.is_set()

    def warm(self) -> threading.Thread:
        """Load in the background what the first search would otherwise wait for."""
        self._warming = True

        def load() -> None:
            try:
                self.service.warm()
            except ReelseekError as error:
                _log.warning("not warmed up: %s", error)  # the first search will tell its user the same
            self._warm.set()

        thread = threading.Thread(target=load, name="warm-up", daemon=True)
        thread.start()
        return thread

    def close(self) -> None:
        """Let go of the engines and the catalogue."""
        with self._lock:
            if self._service is not None and self._owned:
                self._service.close()
                self._service = None
        self.catalogue.close()


def backend() -> Backend:
    """The backend of the app that answers this request."""
    return cast(Backend, current_app.extensions[_EXTENSION])


def attach(app: object, made: Backend) -> None:
    """Give `app` its backend."""
    cast("dict[str, object]", app.extensions)[_EXTENSION] = made  # type: ignore[attr-defined]


def client_gone() -> Callable[[], bool]:
    """What tells, from any thread, whether the client of this request hung up; under waitress, else it never does."""
    told: Callable[[], bool] | None = request.environ.get("waitress.client_disconnected")
    return told if told is not None else (lambda: False)
