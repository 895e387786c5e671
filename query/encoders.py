"""Queries as vectors: engines loaded when a query first needs them, and the vectors their scores are judged by."""

from __future__ import annotations

import copy
import hashlib
import os
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import numpy as np

from engines.registry import Engines
from index.reader import Snapshot
from query.pictures.descriptions import Description
from query.pictures.likeness import Likeness
from query.texts.reference import PICTURES, SENTENCES, TEMPLATES
from query.texts.reference_languages import SENTENCES as FOREIGN
from reelseek.errors import EngineUnavailable
from reelseek.records import EngineRef, Image, Vector, VectorSpace

_REMEMBERED = 512
"""Query vectors that are kept; people page, refine and repeat."""

_FOREIGN_NEARER, _FOREIGN_SHARE = 0.1, 0.5
"""From how much nearer than English sentences, and from which share of their nearness to one another, sentences of
another language are of the query's own."""


class Encoders:
    """Thread-safe. A channel without an engine, or whose engine cannot run, gives None and a reason.

    Args:
        cache: folder for the reference vectors, so that a new process need not make them again.
    """

    def __init__(self, engines: Engines, cache: Path) -> None:
        self._engines = engines
        self._cache = cache
        self._lock = threading.Lock()
        self._vectors: OrderedDict[tuple[str, str, str], Vector] = OrderedDict()
        self._banks: dict[str, Vector] = {}
        self._move: dict[str, Callable[[Vector], Vector]] = {}

    def refined(self, sentence: Callable[[Vector], Vector], visual: Callable[[Vector], Vector]) -> Self:
        """A view that moves the vectors of queries, as feedback asks for; everything else is shared.

        Args:
            sentence, visual: from a query's vector `(d,)` to the one that is searched with.
        """
        view = copy.copy(self)
        view._move = {"sentence": sentence, "visual": visual}
        return view

    def space(self, kind: str, snapshot: Snapshot) -> tuple[VectorSpace | None, str]:
        """The space in the index that the engine of `kind` (`sentence`, `visual`) can search, or None and why not."""
        table, column = ("frames", "visual") if kind == "visual" else ("lines", "text")
        known = snapshot.spaces(table, "visual" if column == "visual" else "text")
        if not known:
            return None, ""
        what = "pictures" if kind == "visual" else "meaning of words"
        try:
            ref = self._engines.ref("visual" if kind == "visual" else "sentence")
        except EngineUnavailable as error:
            return None, f"The {what} could not be searched: {error}"
        if ref is None:
            return (
                None,
                f"The {what} could not be searched: no {kind} engine is at hand (see `reelseek models`).",
            )
        for space in reversed(known):
            if _same(space, ref):
                return space, ""
        models = ", ".join(sorted({space.model for space in known}))
        return (
            None,
            f"The {what} could not be searched: the index was made with {models}, the engine is {ref.id}; index again.",
        )

    def sentence(self, text: str) -> Vector:
        """The vector of a query for lines and segments, `(d,)`."""
        engine = self._engines.sentence()
        if engine is None:
            raise EngineUnavailable("No sentence engine is at hand.")
        return self._remember(("sentence", engine.fingerprint, text), lambda: engine.encode([text])[0])

    def sentences(self, texts: Sequence[str]) -> Vector:
        """Vectors of lines that are compared with one another, `(n, d)`; they are not kept."""
        engine = self._engines.sentence()
        if engine is None:
            raise EngineUnavailable("No sentence engine is at hand.")
        return engine.encode(texts)

    def picture_words(self, text: str) -> Vector:
        """The vector of a description for pictures, `(d,)`: the normalised mean over several prompts."""
        engine = self._engines.visual()
        if engine is None:
            raise EngineUnavailable("No image-text engine is at hand.")

        def encode() -> Vector:
            return _mean(engine.encode_texts([template.format(text) for template in TEMPLATES]))

        return self._remember(("visual", engine.fingerprint, text), encode)

    def described(self, text: str) -> Likeness:
        """What pictures are to resemble by a description of any length.

        A long one is not pooled into one vector: what it says of the picture would drown in the rest. Its clauses are
        compared one by one.
        """
        taken = Description.of(text)
        engine = self._engines.visual()
        if engine is None:
            raise EngineUnavailable("No image-text engine is at hand.")
        whole = self.picture_words(taken.text)
        groups = (taken.parts, taken.clauses, *taken.exchanged)
        texts = [text for group in groups for text in group]
        key = ("visual-parts", engine.fingerprint, "\0".join((taken.text, *texts)))
        vectors = self._remember(key, lambda: engine.encode_texts(texts)) if texts else np.zeros((0, len(whole)))
        ends = np.cumsum([len(group) for group in groups])[:-1]
        parts, clauses, *exchanged = np.split(vectors.astype(np.float32), ends)
        return Likeness(text, whole, parts, clauses, tuple(exchanged))

    def picture(self, image: Image) -> Vector:
        """The vector of an example picture, `(d,)`."""
        engine = self._engines.visual()
        if engine is None:
            raise EngineUnavailable("No image-text engine is at hand.", hint="Run: reelseek models")
        vector: Vector = engine.encode_images([image])[0]
        return vector

    def sentence_bank(self, query: Vector | None = None) -> Vector:
        """Vectors of sentences that have nothing to do with most libraries: English ones, `(n, d)`.

        An engine of one language puts all sentences of another close together, so what is chance must be told by
        sentences of that one. The engine itself says which it takes a query for: the language whose sentences are
        about as near to it as to one another, and nearer than the English ones.
        """
        engine = self._engines.sentence()
        if engine is None:
            raise EngineUnavailable("No sentence engine is at hand.")
        bank = self._bank(engine.fingerprint, SENTENCES, lambda: engine.encode(SENTENCES))
        if query is None:
            return bank
        everything = tuple(sentence for sentences in FOREIGN.values() for sentence in sentences)
        foreign = self._bank(engine.fingerprint, everything, lambda: engine.encode(everything))
        least, most = float(np.median(bank @ query)) + _FOREIGN_NEARER, _FOREIGN_SHARE
        for own in np.split(foreign, np.cumsum([len(sentences) for sentences in FOREIGN.values()])[:-1]):
            near, usual = float(np.median(own @ query)), float(np.median((own @ own.T)[~np.eye(len(own), dtype=bool)]))
            if near > least and near > most * usual:
                bank, most = own, near / usual
        return bank

    def picture_bank(self) -> Vector:
        """Vectors of the reference descriptions."""
        engine = self._engines.visual()
        if engine is None:
            raise EngineUnavailable("No image-text engine is at hand.")
        return self._bank(engine.fingerprint, PICTURES, lambda: engine.encode_texts(PICTURES))

    def _remember(self, key: tuple[str, str, str], make: Callable[[], Vector]) -> Vector:
        with self._lock:
            vector = self._vectors.get(key)
            if vector is not None:
                self._vectors.move_to_end(key)
        if vector is None:
            vector = make()
            with self._lock:
                self._vectors[key] = vector
                while len(self._vectors) > _REMEMBERED:
                    self._vectors.popitem(last=False)
        move = self._move.get(key[0])
        return move(vector) if move is not None else vector

    def _bank(self, fingerprint: str, texts: Sequence[str], make: Callable[[], Vector]) -> Vector:
        key = hashlib.sha256("\0".join((fingerprint, *texts)).encode()).hexdigest()[:24]
        with self._lock:
            if key in self._banks:
                return self._banks[key]
        bank = _read(self._cache / f"bank-{key}.npy", len(texts))
        if bank is None:
            bank = make()
            _write(self._cache / f"bank-{key}.npy", bank)
        with self._lock:
            self._banks[key] = bank
        return bank


def _same(space: VectorSpace, ref: EngineRef) -> bool:
    return space.model in (ref.fingerprint, ref.id) or ref.fingerprint in space.model


def _mean(vectors: Vector) -> Vector:
    mean: Vector = vectors.mean(axis=0)
    return (mean / max(1e-9, float(np.linalg.norm(mean)))).astype(np.float32)


def _read(path: Path, count: int) -> Vector | None:
    """A cached bank; a damaged file counts as none."""
    try:
        bank: Vector = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
    return bank if bank.ndim == 2 and len(bank) == count and bank.dtype == np.float32 else None


def _write(path: Path, bank: Vector) -> None:
    """Cache a bank. A data folder that cannot be written costs the next process a second, no more."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            np.save(file, bank, allow_pickle=False)
        temporary.replace(path)
    except OSError:
        with suppress(OSError):  # a read-only disk refuses even this
            temporary.unlink(missing_ok=True)
