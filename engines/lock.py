"""`weights.lock.json` in the models folder: which commit and which bytes were pulled."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from engines.families import Family
from reelseek.errors import WeightsError

LOCK_FILE = "weights.lock.json"


@dataclass(frozen=True, slots=True)
class LockedFile:
    """One file: its size in bytes and its SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class LockedWeights:
    """One pulled set of weights.

    Attributes:
        requested: the revision that was asked for, by repository: a commit or a branch.
        commits: the commit that it was, by repository.
        files: by path inside the weights' folder.
    """

    requested: Mapping[str, str]
    commits: Mapping[str, str]
    files: Mapping[str, LockedFile]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files.values())


def lock_name(family: Family, folder: str) -> str:
    """The name of a set of weights in the record: `kind/family/folder`."""
    return f"{family.kind}/{family.name}/{folder}"


def read_lock(models: Path) -> dict[str, LockedWeights]:
    """What was pulled into a models folder; nothing where there is no record.

    Raises:
        WeightsError: the record is damaged.
    """
    path = models / LOCK_FILE
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    try:
        return {
            name: LockedWeights(
                dict(entry["requested"]),
                dict(entry["commits"]),
                {file: LockedFile(int(value["size"]), str(value["sha256"])) for file, value in entry["files"].items()},
            )
            for name, entry in json.loads(text).items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(
            f"The record of pulled weights, {path}, is damaged ({error}).",
            hint="Remove it; the next pull of each set writes it anew.",
        ) from error


def write_lock(models: Path, name: str, record: LockedWeights) -> None:
    """Add or replace one set in the record, in one step."""
    records = {key: asdict(value) for key, value in read_lock(models).items()} | {name: asdict(record)}
    temporary = models / f".{LOCK_FILE}.new"
    with temporary.open("w", encoding="utf-8") as stream:
        json.dump(records, stream, indent=1, sort_keys=True)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(models / LOCK_FILE)
