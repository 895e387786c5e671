"""What indexing works with, opened once per process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from engines.registry import Engines
from index.writer import IndexWriter
from library.catalogue import Catalogue, open_catalogue
from reelseek.artefacts import ArtefactStore
from reelseek.settings import Settings


@dataclass(frozen=True, slots=True)
class Workspace:
    """The catalogue, the artefacts, the engines and the index of one data folder. Opening it loads no model."""

    settings: Settings
    catalogue: Catalogue
    store: ArtefactStore
    engines: Engines
    writer: IndexWriter

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Open them.

        Raises:
            StorageError: the data folder or the catalogue cannot be opened.
        """
        return cls(
            settings,
            open_catalogue(settings),
            ArtefactStore(settings.artefacts_url),
            Engines(settings),
            IndexWriter(settings),
        )

    def close(self) -> None:
        """Unload the engines and close the catalogue."""
        self.engines.close()
        self.catalogue.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
