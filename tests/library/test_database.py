"""Opening the catalogue: migrations, other versions, damage, and what every connection is set to."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

import library.migrations
from library.catalogue import Catalogue, open_catalogue
from library.database import HEAD, Database
from library.schema import Base
from reelseek.errors import StorageError
from reelseek.settings import Settings


def test_the_migrations_make_exactly_the_tables_that_the_code_uses(settings: Settings) -> None:
    database = Database(settings.database_url)
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    config = Config()
    config.set_main_option("script_location", str(Path(library.migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]
    database.close()


def test_an_up_to_date_catalogue_opens_without_loading_alembic(settings: Settings) -> None:
    open_catalogue(settings).close()
    code = (
        f"import sys; from library.catalogue import Catalogue; Catalogue({settings.database_url!r});"
        "assert 'alembic' not in sys.modules and 'lancedb' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_sqlite_is_set_for_durability_and_for_many_readers(settings: Settings) -> None:
    database = Database(settings.database_url)
    with database.read() as session:
        values = {name: session.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "foreign_keys")}
        assert session.execute(text("PRAGMA synchronous")).scalar() == 2
        assert session.execute(text("PRAGMA busy_timeout")).scalar() == 30_000
    assert values == {"journal_mode": "wal", "foreign_keys": 1}
    database.close()


def test_processes_that_open_a_new_catalogue_at_once_make_it_once(settings: Settings) -> None:
    context = multiprocessing.get_context("spawn")
    openers = [context.Process(target=_open, args=(settings.database_url,)) for _ in range(3)]
    for process in openers:
        process.start()
    for process in openers:
        process.join()
    assert [process.exitcode for process in openers] == [0, 0, 0]


def _open(url: str) -> None:
    with Catalogue(url) as catalogue:
        assert catalogue.visibility().revision == 0


def test_a_catalogue_of_a_newer_version_is_refused(settings: Settings) -> None:
    database = Database(settings.database_url)
    with database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    database.close()
    with pytest.raises(StorageError, match="another version"):
        open_catalogue(settings)


def test_a_file_that_is_no_database_is_told_in_one_sentence(settings: Settings) -> None:
    settings.data.mkdir(parents=True)
    (settings.data / "catalogue.sqlite3").write_bytes(b"this is no database, it is a text" * 100)
    with pytest.raises(StorageError, match="not a database"):
        open_catalogue(settings)


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageError):
        open_catalogue(Settings(data=tmp_path / "file" / "data"))


def test_times_come_back_in_utc(settings: Settings) -> None:
    with open_catalogue(settings) as catalogue:
        library_folder = settings.data / "films"
        library_folder.mkdir()
        added = catalogue.add_library(library_folder).added_at
        assert catalogue.libraries()[0].added_at == added
        assert added.tzinfo is UTC
        assert abs((datetime.now(UTC) - added).total_seconds()) < 600


def test_a_catalogue_on_a_full_disk_is_read_and_says_why_it_cannot_be_written(
    settings: Settings, tmp_path: Path
) -> None:
    """No file may grow, so that SQLite cannot make those it keeps beside a database."""
    with open_catalogue(settings) as catalogue:
        catalogue.add_library(tmp_path, "films")
    code = (
        "import resource, sys\n"
        "from library.catalogue import Catalogue\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "catalogue = Catalogue(sys.argv[1])\n"
        "print([library.name for library in catalogue.libraries()])\n"
        "catalogue.add_library(sys.argv[2], 'more')\n"
    )
    command = [sys.executable, "-c", code, settings.database_url, str(tmp_path / "data")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.stdout == "['films']\n", ended.stderr
    assert ended.stderr.count("the catalogue is only read") == 1
    assert "StorageError: The catalogue cannot be used" in ended.stderr
    with open_catalogue(settings) as catalogue:
        assert [library.name for library in catalogue.libraries()] == ["films"]
