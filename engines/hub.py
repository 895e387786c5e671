"""The one process that may fetch: files of one hub repository into one folder, checked, resumable.

It is started by `engines.pull` as `python -m engines.hub` with an environment of its own, because `huggingface_hub`
reads its offline switch once, when it is imported, and every other process of Reelseek runs with that switch on. The
job comes as JSON on standard input; events go as one JSON object a line to standard output.

`huggingface_hub` finds the commit, the files and their checksums, and transfers the bytes. Its own `hf_hub_download`
throws a partial file away when it fails, so the partial file is kept here, under the checksum it must have, and the
transfer is continued from its end by the next pull.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reelseek.errors import ReelseekError, StorageError, WeightsError

PARTS = ".parts"
"""Folder of partial files inside the target folder."""

_CHUNK = 1 << 20
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file as the hub describes it: `sha256` for large files, git's blob hash for the others."""

    name: str
    size: int
    sha256: str
    git_sha1: str

    @property
    def label(self) -> str:
        """The checksum that names its partial file."""
        return self.sha256 or self.git_sha1


def choose_files(names: Iterable[str], required: Sequence[str], optional: Sequence[str]) -> list[str]:
    """The files of a repository that are wanted.

    Args:
        names: all of them.
        required: patterns, alternatives parted by `|`; the first alternative that matches anything is taken.
        optional: further patterns. `*` never crosses a folder.

    Raises:
        WeightsError: a required pattern matches nothing.
    """
    names = [name for name in names if ".." not in name.split("/") and not name.startswith("/")]
    chosen: set[str] = set()
    for pattern in required:
        found = next((hits for part in pattern.split("|") if (hits := _matching(names, part))), [])
        if not found:
            raise WeightsError(f"The repository has no file {pattern.replace('|', ' or ')}.")
        chosen.update(found)
    for pattern in optional:
        chosen.update(_matching(names, pattern))
    return sorted(chosen)


def _matching(names: Sequence[str], pattern: str) -> list[str]:
    depth = pattern.count("/")
    return [name for name in names if name.count("/") == depth and fnmatch.fnmatchcase(name, pattern)]


def matches(path: Path, file: HubFile) -> bool:
    """Whether a file on disk is, byte for byte, the one that the hub describes."""
    if path.stat().st_size != file.size:
        return False
    if file.sha256:
        return digest(path, hashlib.sha256()) == file.sha256
    return digest(path, hashlib.sha1(b"blob %d\0" % file.size, usedforsecurity=False)) == file.git_sha1


def digest(path: Path, state: Any) -> str:
    """The hex digest of a file, read in chunks into `state`."""
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            state.update(chunk)
    result: str = state.hexdigest()
    return result


def _emit(event: str, **values: object) -> None:
    sys.stdout.write(json.dumps({"event": event, **values}) + "\n")
    sys.stdout.flush()


def _describe(job: Mapping[str, Any]) -> tuple[str, list[HubFile]]:
    """Ask the hub for the commit and the wanted files with their checksums."""
    from huggingface_hub import HfApi

    info = HfApi().model_info(job["repo"], revision=job["revision"], files_metadata=True)
    commit = info.sha or ""
    if not _COMMIT.fullmatch(commit):
        raise WeightsError(f"The hub names no commit for {job['repo']}@{job['revision']}.")
    siblings = {item.rfilename: item for item in info.siblings or []}
    files = []
    for name in choose_files(siblings, job["required"], job["optional"]):
        item = siblings[name]
        sha256 = item.lfs.sha256 if item.lfs else ""
        size = (item.lfs.size if item.lfs else item.size) or 0
        file = HubFile(name, size, sha256, "" if sha256 else item.blob_id or "")
        files.append(_described_by_file(job["repo"], commit, file) if not file.label or not size else file)
    return commit, files


def _described_by_file(repo: str, commit: str, file: HubFile) -> HubFile:
    """What a mirror leaves out of the list it says in the headers of the file itself."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_url

    head = get_hf_file_metadata(hf_hub_url(repo, file.name, revision=commit))
    etag = head.etag or ""
    sha256 = etag if re.fullmatch(r"[0-9a-f]{64}", etag) else ""
    git_sha1 = etag if _COMMIT.fullmatch(etag) else ""
    if not (sha256 or git_sha1) or head.size is None:
        raise WeightsError(f"The hub gives no checksum for {repo}/{file.name}; it is not taken.")
    return HubFile(file.name, head.size, sha256, git_sha1)


def _hold_to(job: Mapping[str, Any], files: Sequence[HubFile]) -> None:
    """Refuse files whose checksum is not the one that is known for them."""
    expected: Mapping[str, str] = job["sha256"]
    for file in files:
        wanted = expected.get(file.name, "")
        if wanted and file.sha256 and wanted != file.sha256:
            raise WeightsError(
                f"The hub offers another {job['repo']}/{file.name} (SHA-256 {file.sha256[:12]}…) than the one that is "
                f"known ({wanted[:12]}…). It is not taken."
            )


def _fetch(job: Mapping[str, Any], commit: str, file: HubFile) -> str:
    """Bring one file into the target folder, continuing a partial one. Returns its SHA-256."""
    target = Path(job["target"])
    final, part = target / file.name, target / PARTS / file.label
    if not (final.is_file() and matches(final, file)):
        part.parent.mkdir(parents=True, exist_ok=True)
        final.parent.mkdir(parents=True, exist_ok=True)
        _transfer(job["repo"], commit, file, part)
        if not matches(part, file):
            part.unlink()
            raise WeightsError(
                f"{job['repo']}/{file.name} arrived with a wrong checksum and was thrown away.",
                hint="Run the pull again; if it stays so, the hub or a proxy before it is damaged.",
            )
        part.replace(final)
    sha256 = file.sha256 or digest(final, hashlib.sha256())
    wanted = job["sha256"].get(file.name, "")
    if wanted and wanted != sha256:
        final.unlink()
        raise WeightsError(f"{job['repo']}/{file.name} is not the known one (SHA-256 {sha256[:12]}…). It is not taken.")
    return sha256


def _transfer(repo: str, commit: str, file: HubFile, part: Path) -> None:
    import os

    from huggingface_hub import get_hf_file_metadata, hf_hub_url
    from huggingface_hub.file_download import http_get
    from huggingface_hub.utils import build_hf_headers

    url = hf_hub_url(repo, file.name, revision=commit)
    location = get_hf_file_metadata(url).location
    headers = build_hf_headers()
    if urlsplit(location).netloc != urlsplit(url).netloc:
        headers.pop("authorization", None)  # the token is for the hub, not for the store that it points to
    part.touch()
    with part.open("r+b") as stream:
        start = stream.seek(0, os.SEEK_END)
        if start > file.size:
            start = stream.seek(0)
            stream.truncate()
        _emit("progress", file=file.name, done=start)
        http_get(
            location,
            stream,
            resume_size=start,
            headers=headers,
            expected_size=file.size,
            tqdm_class=_reporter(file.name, start),
        )
        stream.flush()
        os.fsync(stream.fileno())


def _reporter(name: str, start: int) -> type:
    """A progress bar class in the shape that `huggingface_hub` wants, which draws nothing and tells our parent."""
    from huggingface_hub.utils import tqdm

    class Reporter(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            kwargs.pop("name", None)
            super().__init__(*args, **{**kwargs, "disable": True})
            self._done = start

        def update(self, n: float | None = 1) -> bool | None:
            self._done += int(n or 0)
            _emit("progress", file=name, done=self._done)
            return None

    return Reporter


def _run(job: Mapping[str, Any]) -> None:
    from huggingface_hub import constants

    # Partial files grow by whole chunks; the library's 10 MB would lose up to that much at every cut.
    constants.DOWNLOAD_CHUNK_SIZE = _CHUNK
    commit, files = _describe(job)
    _hold_to(job, files)
    _emit("start", commit=commit, files=[{"name": file.name, "size": file.size} for file in files])
    for file in files:
        _emit("file", name=file.name, size=file.size, sha256=_fetch(job, commit, file))
    _emit("done", commit=commit)


def _explain(error: Exception, job: Mapping[str, Any]) -> ReelseekError:
    """A foreign error as one sentence that says what was tried."""
    from huggingface_hub import constants, errors

    repo, endpoint = f"{job['repo']}@{job['revision']}", constants.ENDPOINT
    by_hand = f"Weights can also be put in place by hand: {job['place']}"
    if isinstance(error, errors.GatedRepoError):
        return WeightsError(f"{repo} asks for an accepted licence.", hint="Accept it on the hub and set HF_TOKEN.")
    if isinstance(error, errors.RepositoryNotFoundError | errors.RevisionNotFoundError):
        return WeightsError(f"The hub at {endpoint} has no {repo}.", hint=by_hand)
    if isinstance(error, errors.HfHubHTTPError):
        code = error.response.status_code if error.response is not None else "no status"
        return WeightsError(f"The hub at {endpoint} answered {code} for {repo}.", hint=by_hand)
    if type(error).__module__.startswith("httpx"):
        reason = str(error) or type(error).__name__
        return WeightsError(
            f"No hub answers at {endpoint}, asked for {repo} ({reason}).",
            hint=f"What arrived is kept and the next pull goes on from there. Another hub: HF_ENDPOINT. {by_hand}",
        )
    if isinstance(error, OSError) and error.filename:
        return StorageError(f"The weights cannot be written: {error.strerror} ({error.filename}).")
    return WeightsError(f"{repo} could not be fetched: {error} ({type(error).__name__}).", hint=by_hand)


def main() -> int:
    """Read a job, fetch it, tell what happens."""
    job = json.load(sys.stdin)
    try:
        _run(job)
    except ReelseekError as error:
        _emit("error", kind=error.kind, message=error.message, hint=error.hint)
    except Exception as error:  # noqa: BLE001 (the boundary of a process: whatever happened is told to the parent)
        told = _explain(error, job)
        _emit("error", kind=told.kind, message=told.message, hint=told.hint)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main())
