"""API keys. A secret is shown once; what is kept is a salted hash of it.

The secret has 256 random bits, so one round of SHA-256 is enough: nothing can be guessed.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta

from sqlalchemy import func, select

from library.catalogue import Catalogue
from library.database import now, storable
from library.records import ApiKey
from library.schema import ApiKeyRow
from reelseek.errors import InvalidRequest, NotFound

_MARK = "rsk_"
_PREFIX_LENGTH = len(_MARK) + 6
_USE_SECONDS = 60.0


def create_key(catalogue: Catalogue, name: str) -> str:
    """Make a key and return its secret, which cannot be shown again.

    Raises:
        InvalidRequest: the name is empty or longer than 200 characters.
    """
    name = storable(name).strip()
    if not 1 <= len(name) <= 200:
        raise InvalidRequest("An API key's name has 1 to 200 characters.")
    secret = _MARK + secrets.token_urlsafe(32)
    salt = secrets.token_bytes(16)
    with catalogue.database.write() as session:
        session.add(
            ApiKeyRow(
                name=name, prefix=secret[:_PREFIX_LENGTH], salt=salt, digest=_digest(salt, secret), created_at=now()
            )
        )
    return secret


def check_key(catalogue: Catalogue, secret: str) -> ApiKey | None:
    """The key that a secret belongs to, or None: unknown, or revoked."""
    with catalogue.database.read() as session:
        statement = select(ApiKeyRow).where(
            ApiKeyRow.prefix == storable(secret[:_PREFIX_LENGTH]), ApiKeyRow.revoked_at.is_(None)
        )
        rows = session.scalars(statement).all()
    for row in rows:
        if hmac.compare_digest(row.digest, _digest(row.salt, secret)):
            _note_use(catalogue, row)
            return _record(row)
    return None


def list_keys(catalogue: Catalogue) -> list[ApiKey]:
    """All keys, also revoked ones, oldest first."""
    with catalogue.database.read() as session:
        return [_record(row) for row in session.scalars(select(ApiKeyRow).order_by(ApiKeyRow.key_id))]


def revoke_key(catalogue: Catalogue, key_id: int) -> ApiKey:
    """Refuse a key from now on.

    Raises:
        NotFound: there is no such key.
    """
    with catalogue.database.write() as session:
        row = session.get(ApiKeyRow, key_id)
        if row is None:
            raise NotFound(f"There is no API key {key_id}.")
        row.revoked_at = row.revoked_at or now()
        return _record(row)


def any_exist(catalogue: Catalogue) -> bool:
    """Whether there is a key that is not revoked."""
    with catalogue.database.read() as session:
        statement = select(func.count()).select_from(ApiKeyRow).where(ApiKeyRow.revoked_at.is_(None))
        return bool(session.scalar(statement))


def _note_use(catalogue: Catalogue, row: ApiKeyRow) -> None:
    """Once a minute is enough: a write for each request would queue them all behind one another."""
    moment = now()
    if row.last_used_at is None or moment - row.last_used_at > timedelta(seconds=_USE_SECONDS):
        with catalogue.database.write() as session:
            if stored := session.get(ApiKeyRow, row.key_id):
                stored.last_used_at = moment


def _digest(salt: bytes, secret: str) -> bytes:
    return hashlib.sha256(salt + secret.encode("utf-8", "surrogatepass")).digest()


def _record(row: ApiKeyRow) -> ApiKey:
    return ApiKey(row.key_id, row.name, row.prefix, row.created_at, row.last_used_at, row.revoked_at)
