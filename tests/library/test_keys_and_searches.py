"""API keys and saved searches."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from library import keys, searches
from library.catalogue import Catalogue, open_catalogue
from library.database import now
from library.records import Counts, SavedHit
from library.schema import ApiKeyRow
from reelseek.errors import Conflict, InvalidRequest, NotFound
from reelseek.settings import Settings
from tests.support.documents import info_of


@pytest.fixture
def catalogue(settings: Settings) -> Catalogue:
    return open_catalogue(settings)


def test_a_key_opens_until_it_is_revoked(catalogue: Catalogue) -> None:
    assert not keys.any_exist(catalogue)
    secret = keys.create_key(catalogue, "phone")
    other = keys.create_key(catalogue, "tablet")
    assert secret != other
    found = keys.check_key(catalogue, secret)
    assert found is not None
    assert (found.name, secret.startswith(found.prefix)) == ("phone", True)
    assert keys.list_keys(catalogue)[0].last_used_at is not None
    for wrong in ("", secret[:-1], secret + "x", secret.upper(), "\0", "\udc80", "rsk_" + "é" * 40):
        assert keys.check_key(catalogue, wrong) is None
    keys.revoke_key(catalogue, found.key_id)
    assert keys.check_key(catalogue, secret) is None
    assert keys.any_exist(catalogue)
    with pytest.raises(NotFound):
        keys.revoke_key(catalogue, 99)


def test_no_secret_is_stored(catalogue: Catalogue, settings: Settings) -> None:
    secret = keys.create_key(catalogue, "phone")
    with catalogue.database.read() as session:
        row = session.scalars(select(ApiKeyRow)).one()
    kept = b"".join([row.salt, row.digest, row.prefix.encode(), row.name.encode()])
    assert secret.encode() not in kept
    assert len(row.prefix) <= 12
    catalogue.close()
    for file in settings.data.iterdir():
        assert secret.encode() not in file.read_bytes()


def test_a_key_needs_a_name(catalogue: Catalogue) -> None:
    for name in ("", "  ", "x" * 201):
        with pytest.raises(InvalidRequest):
            keys.create_key(catalogue, name)


def test_saved_searches_are_kept_run_and_deleted(catalogue: Catalogue) -> None:
    saved = searches.save_search(catalogue, "cars", "object:car>=2", {"k": 5})
    assert searches.saved_search(catalogue, saved.search_id) == saved
    assert saved.options == {"k": 5}
    assert searches.find_search(catalogue, "cars") == searches.find_search(catalogue, str(saved.search_id)) == saved
    with pytest.raises(Conflict):
        searches.save_search(catalogue, "cars", "other")
    with pytest.raises(InvalidRequest):
        searches.save_search(catalogue, "empty", " ")
    searches.delete_search(catalogue, saved.search_id)
    for call in (searches.saved_search, searches.delete_search):
        with pytest.raises(NotFound):
            call(catalogue, saved.search_id)


def test_a_saved_search_looks_at_what_is_new_and_keeps_what_it_found(catalogue: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"x")
    saved = searches.save_search(catalogue, "cars", "car")
    catalogue.record_video(info_of("a" * 32), path)
    assert searches.new_videos(catalogue, saved) == [], "it is not published"
    catalogue.publish(catalogue.begin_ingest("a" * 32, "f"), Counts(), {})
    assert searches.new_videos(catalogue, saved) == ["a" * 32]
    when = now()
    hits = [SavedHit(saved.search_id, "a" * 32, "", start, start + 5, 0.8, "a car", when) for start in (10.0, 40.0)]
    assert searches.record_run(catalogue, saved.search_id, now(), ["a" * 32], hits) == 2
    saved = searches.saved_search(catalogue, saved.search_id)
    assert searches.new_videos(catalogue, saved) == []
    first = searches.saved_hits(catalogue, saved.search_id)
    assert [hit.start for hit in first] == [10.0, 40.0]
    catalogue.publish(catalogue.begin_ingest("a" * 32, "g"), Counts(), {})
    assert searches.new_videos(catalogue, saved) == ["a" * 32]
    again = [replace(hits[0], start=11.0, found_at=now()), replace(hits[0], start=70.0, end=71.0, found_at=now())]
    assert searches.record_run(catalogue, saved.search_id, now(), ["a" * 32], again) == 1
    kept = searches.saved_hits(catalogue, saved.search_id)
    assert [hit.start for hit in kept] == [70.0, 11.0]
    assert kept[1].found_at == first[0].found_at
    catalogue.delete_video("a" * 32)
    assert searches.saved_hits(catalogue, saved.search_id) == []


def test_a_video_is_wanted_once_for_each_change(catalogue: Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"x")
    catalogue.record_video(info_of("a" * 32), path)
    catalogue.publish(catalogue.begin_ingest("a" * 32, "now"), Counts(), {})
    assert not catalogue.want("a" * 32, "now"), "it is that already"
    assert catalogue.want("a" * 32, "next")
    assert not catalogue.want("a" * 32, "next")
    assert catalogue.want("a" * 32, "other")
    assert not catalogue.want("b" * 32, "other")
