"""File names that come from outside: made harmless, and given without overwriting anything."""

from __future__ import annotations

import errno
import re
import shutil
import unicodedata
from pathlib import Path

from reelseek.errors import InvalidRequest

_NO_HARD_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EMLINK, errno.EXDEV})
_MAX_NAME_BYTES = 180
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")
_FORBIDDEN = re.compile(r'[<>:"/\\|?*%]')


def safe_name(name: str) -> str:
    """A file name that cannot leave its folder, hide, or trouble any file system; the suffix is kept.

    Raises:
        InvalidRequest: nothing of the name is left.
    """
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    name = "".join(" " if unicodedata.category(char)[0] in "CZ" else char for char in name)
    name = " ".join(_FORBIDDEN.sub("_", name).split()).strip(" .-_")
    if _RESERVED.match(name):
        name = f"video {name}"
    stem, suffix = Path(name).stem, Path(name).suffix
    room = _MAX_NAME_BYTES - len(suffix.encode())
    if room <= 0:
        stem, suffix, room = name, "", _MAX_NAME_BYTES
    stem = stem.encode()[:room].decode(errors="ignore").rstrip(" .")
    if not stem:
        raise InvalidRequest("The uploaded file has no usable name.", hint="Rename it and upload it again.")
    return stem + suffix


def link_free(source: Path, folder: Path, name: str) -> Path:
    """Link `source` under the first free one of `name`, `name (2)`, ...; the temporary name goes with its stream."""
    folder.mkdir(parents=True, exist_ok=True)
    stem, suffix = Path(name).stem, Path(name).suffix
    number = 1
    while True:
        target = folder / (name if number == 1 else f"{stem} ({number}){suffix}")
        try:
            _link(source, target)
        except FileExistsError:
            number += 1
            continue
        target.chmod(0o644)
        return target


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        target.open("xb").close()  # takes the name, so that the replacement below overwrites nobody's file
        whole = source.with_name(f"{source.name}.whole")
        shutil.copyfile(source, whole)
        whole.replace(target)
