"""API keys and saved searches."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from library import keys, searches
from library.catalogue import Catalogue, open_catalogue
from library.schema import ApiKeyRow
from reelseek.errors import Conflict, InvalidRequest, NotFound
from reelseek.settings import Settings


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
    searches.mark_run(catalogue, saved.search_id)
    assert searches.saved_searches(catalogue)[0].last_run_at is not None
    with pytest.raises(Conflict):
        searches.save_search(catalogue, "cars", "other")
    with pytest.raises(InvalidRequest):
        searches.save_search(catalogue, "empty", " ")
    searches.delete_search(catalogue, saved.search_id)
    for call in (searches.saved_search, searches.delete_search):
        with pytest.raises(NotFound):
            call(catalogue, saved.search_id)
