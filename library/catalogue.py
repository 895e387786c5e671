"""The catalogue: which videos exist, where, in which state, and which of their index rows count."""

from __future__ import annotations

from typing import Self

from library.database import Database
from library.ingests import Ingests
from library.libraries import Libraries
from library.sources import Sources
from library.videos import Videos
from reelseek.settings import Settings


class Catalogue(Libraries, Videos, Ingests, Sources):
    """Opens the database, migrates an older one, answers for libraries, videos, ingests and live sources. Thread-safe.

    Args:
        url: an SQLAlchemy URL, `sqlite:///path` or `postgresql+psycopg://…`.

    Raises:
        StorageError: the database cannot be opened, or was made by a newer version.
    """

    def __init__(self, url: str) -> None:
        self.database = Database(url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the database's connections."""
        self.database.close()


def open_catalogue(settings: Settings) -> Catalogue:
    """The catalogue that the settings name; made when it is not there yet."""
    return Catalogue(settings.database_url)
