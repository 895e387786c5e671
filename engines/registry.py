"""The handle through which everyone gets engines: resolved cheaply, loaded once, when first used."""

from __future__ import annotations

import importlib
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import cast

from engines.base import BaseEngine
from engines.families import KINDS, Kind, find_family
from engines.offline import go_offline
from engines.protocols import (
    ImageTextEngine,
    ObjectEngine,
    OpenVocabulary,
    RerankEngine,
    ScreenTextEngine,
    SentenceEngine,
    SoundEngine,
    SpeakerEngine,
    SpeechEngine,
    VlmEngine,
)
from engines.resolution import Resolution, resolve
from reelseek.errors import EngineUnavailable
from reelseek.records import EngineRef
from reelseek.setting_groups import EngineSettings
from reelseek.settings import Settings

_OPEN_VOCABULARY = "Set engines.open_vocabulary to YOLO-World weights, or to nothing."

__all__ = ["Engines", "Resolution", "resolve"]


class _Pool:
    """Loaded engines of this process, shared by every handle that asks for the same identity, counted by user."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loading: dict[str, threading.Lock] = {}
        self._engines: dict[str, tuple[BaseEngine, int]] = {}

    def take(self, found: Resolution, settings: EngineSettings) -> tuple[str, BaseEngine]:
        key = _identity(found, settings)
        with self._lock:
            loading = self._loading.setdefault(key, threading.Lock())
        # One lock per identity: loading a VLM must not keep a query from its sentence vectors.
        with loading:
            with self._lock:
                held = self._engines.get(key)
                if held is not None:
                    self._engines[key] = (held[0], held[1] + 1)
                    return key, held[0]
            engine = _load(found, settings)
            with self._lock:
                self._engines[key] = (engine, 1)
            return key, engine

    def give_back(self, key: str) -> None:
        with self._lock:
            engine, users = self._engines[key]
            if users > 1:
                self._engines[key] = (engine, users - 1)
                return
            del self._engines[key]
        close = getattr(engine, "close", None)
        if close is not None:
            close()


_pool = _Pool()


def _identity(found: Resolution, settings: EngineSettings) -> str:
    assert found.ref is not None
    options = [settings.device, settings.threads, settings.batch_size]
    if found.kind == "vlm":
        options += [settings.vlm_timeout, settings.vlm_url]
    return f"{found.kind}|{found.ref.id}|{found.ref.fingerprint}|{found.weights}|{options}"


def _load(found: Resolution, settings: EngineSettings) -> BaseEngine:
    family = find_family(found.family)
    assert family is not None
    assert found.ref is not None
    module_name, _, class_name = family.target.partition(":")
    adapter: type[BaseEngine] = getattr(importlib.import_module(module_name), class_name)
    return adapter(found.ref, found.weights, settings)


class Engines:
    """The engines of these settings.

    Making one imports no model library. Each engine is loaded when it is first asked for, once per process and
    identity however many handles and threads ask. From then on nothing in this process downloads.
    """

    def __init__(self, settings: Settings) -> None:
        go_offline()
        self.settings = settings
        self._lock = threading.RLock()
        self._resolutions: dict[Kind, Resolution] = {}
        self._loaded: dict[Kind, tuple[str, BaseEngine]] = {}
        self._words_lock = threading.Lock()
        self._words: OpenVocabulary | None = None
        self._kind_locks = {kind: threading.Lock() for kind in KINDS}

    def resolution(self, kind: Kind) -> Resolution:
        """What serves a channel, or why nothing does; looked up once per handle.

        Raises:
            SettingsError: the setting names an engine that does not exist.
        """
        with self._lock:
            if kind not in self._resolutions:
                self._resolutions[kind] = resolve(kind, self.settings)
            return self._resolutions[kind]

    def resolutions(self) -> Mapping[str, Resolution]:
        """What serves each channel. A named engine that cannot run is in here too, with its reason."""
        return {kind: self.resolution(kind) for kind in KINDS}

    def ref(self, kind: Kind) -> EngineRef | None:
        """The identity of a channel's engine, without loading it; None where the channel is off.

        Raises:
            EngineUnavailable: the settings name an engine that cannot run. A channel must not go silently.
        """
        found = self.resolution(kind)
        if found.state != "ready" and found.explicit:
            raise EngineUnavailable(
                f"The engine {found.spec} cannot run: {found.reason}.",
                hint=f"Run: {found.fix}" if found.fix else f"Change the setting engines.{kind}.",
            )
        return found.ref

    def visual(self) -> ImageTextEngine | None:
        """The image-text engine, loaded; None where the channel is off."""
        return cast("ImageTextEngine | None", self._engine("visual"))

    def sentence(self) -> SentenceEngine | None:
        """The sentence engine, loaded; None where the channel is off."""
        return cast("SentenceEngine | None", self._engine("sentence"))

    def speech(self) -> SpeechEngine | None:
        """The speech engine, loaded; None where the channel is off."""
        return cast("SpeechEngine | None", self._engine("speech"))

    def speakers(self) -> SpeakerEngine | None:
        """The engine that tells voices apart, loaded; None where nobody is told from another."""
        return cast("SpeakerEngine | None", self._engine("speakers"))

    def sounds(self) -> SoundEngine | None:
        """The engine that names sounds, loaded; None where the channel is off."""
        return cast("SoundEngine | None", self._engine("sounds"))

    def screen_text(self) -> ScreenTextEngine | None:
        """The screen-text engine, loaded; None where the channel is off."""
        return cast("ScreenTextEngine | None", self._engine("screen_text"))

    def objects(self) -> ObjectEngine | None:
        """The object engine, loaded; None where the channel is off."""
        return cast("ObjectEngine | None", self._engine("objects"))

    def open_vocabulary(self) -> OpenVocabulary | None:
        """The detector that takes any words, loaded; None where the settings name none.

        Raises:
            EngineUnavailable: it was named and cannot run.
        """
        named = self.settings.engines.open_vocabulary.strip()
        if not named:
            return None
        path = Path(named).expanduser()
        if not path.is_file():
            raise EngineUnavailable(f"The open-vocabulary weights {path} do not exist.", hint=_OPEN_VOCABULARY)
        with self._words_lock:
            if self._words is None:
                from engines.open_vocabulary import OpenVocabularyEngine

                ref = EngineRef(f"ultralytics:{path.stem}", f"{path}-{path.stat().st_mtime_ns}")
                self._words = OpenVocabularyEngine(ref, path, self.settings.engines)
            return self._words

    def reranker(self) -> RerankEngine | None:
        """The model that reads the best moments again, loaded; None where none is asked for."""
        return cast("RerankEngine | None", self._engine("rerank"))

    def vlm(self) -> VlmEngine | None:
        """The vision-language model, loaded; None where answers are extractive."""
        return cast("VlmEngine | None", self._engine("vlm"))

    def _engine(self, kind: Kind) -> BaseEngine | None:
        """Load, or hand out what is loaded.

        Raises:
            EngineUnavailable: the engine was named and cannot run, or its library is broken.
        """
        if self.ref(kind) is None:
            return None
        with self._kind_locks[kind]:
            if kind not in self._loaded:
                self._loaded[kind] = _pool.take(self.resolution(kind), self.settings.engines)
            return self._loaded[kind][1]

    def close(self) -> None:
        """Let go of what this handle loaded; what no other handle uses is unloaded. The handle may be used again."""
        with self._words_lock:
            self._words = None
        for kind, lock in self._kind_locks.items():
            with lock:
                held = self._loaded.pop(kind, None)
                if held is not None:
                    _pool.give_back(held[0])

    def __enter__(self) -> Engines:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
