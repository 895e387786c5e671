"""Writing on a local disk (or a folder of the network) so that a file is there wholly, or not at all."""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import socket
import sys
import time
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reelseek.errors import StorageError

TEMPORARY = ".tmp-"
"""How names of what is still being written begin."""

ABANDONED_SECONDS = 24 * 3600.0
"""What another machine left under a temporary name is given up after this long."""

_REFUSALS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EFBIG})
_NO_FLUSH = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EBADF, errno.EACCES})
_NO_LINK = frozenset(
    {errno.EPERM, errno.EXDEV, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS, errno.EACCES}
)
_FEW = 32
"""Up to so many files are flushed one by one; more are flushed with their whole file system."""


@contextmanager
def storage_errors(place: str) -> Iterator[None]:
    """Turn the operating system's refusals to write into a `StorageError` that names `place`."""
    try:
        yield
    except OSError as error:
        if error.errno not in _REFUSALS:
            raise
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise StorageError(
            f"{place} cannot be written: {error.strerror}.",
            hint="Free some space; what is finished is kept." if full else "Check its permissions.",
        ) from error


def temporary_name() -> str:
    """A name for something that is being written, which tells the machine and the process."""
    return f"{TEMPORARY}{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex}"


def abandoned(name: str, modified: float) -> bool:
    """Whether what lies under a temporary name was left by a dead process; of another machine, by its age.

    Args:
        modified: when it was last written, in seconds since the epoch.
    """
    host, _, rest = name.removeprefix(TEMPORARY).removesuffix(".json").rpartition("-")[0].rpartition("-")
    if host == socket.gethostname() and rest.isdigit():
        try:
            os.kill(int(rest), 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
    return time.time() - modified > ABANDONED_SECONDS


def publish_folder(folder: Path, final: Path, marker: str, written: Collection[str], *, replace: bool = False) -> None:
    """Flush a folder to the disk and give it its final name.

    Args:
        marker: the file that makes a folder count; one that lies at `final` with it stays, one without is replaced.
        written: the files that were written, not linked: those that must be flushed.
        replace: a folder that counts is replaced too.

    Raises:
        StorageError: `final` cannot be replaced.
    """
    _flush_files([folder / name for name in written])
    for inner in (*(path for path in folder.rglob("*") if path.is_dir()), folder):
        _flush(inner)
    final.parent.mkdir(parents=True, exist_ok=True)
    for _ in range(2):
        try:
            folder.rename(final)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            if not replace and (final / marker).exists():  # another worker was faster; the same key, the same result
                shutil.rmtree(folder)
                return
            aside = folder.parent / temporary_name()
            final.rename(aside)
            shutil.rmtree(aside)
        else:
            _flush(final.parent)
            return
    raise StorageError(f"The artefact folder {final} cannot be replaced.")


def replace_file(path: Path, content: bytes) -> None:
    """Write a file so that readers find the old content or the new one."""
    temporary = path.parent / f"{temporary_name()}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        temporary.write_bytes(content)
        _flush(temporary)
        temporary.replace(path)
        _flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def link_or_copy(source: Path, target: Path) -> bool:
    """Give a file a second name; where the file system has no hard links, copy it. Whether it was linked.

    Raises:
        FileNotFoundError: there is no such file.
    """
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        shutil.copyfile(source, target)
        return False
    return True


def _flush_files(paths: list[Path]) -> None:
    if len(paths) > _FEW and _flush_file_system(paths[0].parent):
        return
    for path in paths:
        _flush(path)


def _flush_file_system(folder: Path) -> bool:
    """One `syncfs` instead of thousands of `fsync`; whether the system has it."""
    if not sys.platform.startswith("linux"):
        return False
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        return bool(ctypes.CDLL(None, use_errno=True).syncfs(descriptor) == 0)
    except AttributeError:
        return False
    finally:
        os.close(descriptor)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # network folders and FUSE refuse it for folders; their rename is all there is
        if error.errno not in _NO_FLUSH or not path.is_dir():
            raise
    finally:
        os.close(descriptor)


def remove_tree(path: Path, first: Collection[str]) -> None:
    """Delete a file or a folder, files named as in `first` before others; nothing happens when it is gone."""
    with suppress(FileNotFoundError, NotADirectoryError):
        for name in first:
            for marker in path.rglob(name):
                marker.unlink(missing_ok=True)
        shutil.rmtree(path) if path.is_dir() else path.unlink()
