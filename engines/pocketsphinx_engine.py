"""PocketSphinx: speech without any download. It finds words; it does not read sentences."""

from __future__ import annotations

import math
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from engines.base import BaseEngine, require
from engines.protocols import Progress, no_progress
from engines.sentences import sentences_of
from engines.speech_guards import Guards
from engines.voice_activity import SAMPLE_RATE, Region
from reelseek.errors import EngineUnavailable
from reelseek.records import Audio, EngineRef, TimedText, Word
from reelseek.setting_groups import EngineSettings

NOTE = "poor: finds words, does not read sentences"

_LEVEL = 0.04
"""Root mean square that speech is brought to: loud recordings are heard worse."""

_PRIMING_SECONDS = 12.0
"""Speech heard once beforehand, so that the channel's mean is known when the first sentence is decoded."""

_CHUNK = SAMPLE_RATE // 4
_VARIANT = re.compile(r"\(\d+\)$")


class PocketSphinxEngine(BaseEngine):
    """English speech with the acoustic model, dictionary and language model that come with PocketSphinx.

    Args:
        ref: identity.
        weights: a folder laid out as the package's `en-us` (`en-us/`, `en-us.lm.bin`, `cmudict-en-us.dict`); None for
            the package's own.
        settings: unused; the decoder runs on one thread.

    Raises:
        EngineUnavailable: the package or the model is missing or broken.
    """

    def __init__(self, ref: EngineRef, weights: Path | None, settings: EngineSettings) -> None:
        super().__init__(ref, weights, settings)
        sphinx = require("pocketsphinx", "whisper")
        options = {} if weights is None else _checked_options(sphinx, weights)
        try:
            self._decoder: Any = sphinx.Decoder(samprate=SAMPLE_RATE, loglevel="FATAL", **options)
        except (RuntimeError, ValueError) as error:
            raise EngineUnavailable(f"PocketSphinx cannot load its model: {error}") from error
        self._frame_seconds = 1.0 / self._decoder.config["frate"]
        self._fresh_mean: str = self._decoder.get_cmn(False)
        self._lock = threading.Lock()
        self.guards = Guards()

    @property
    def note(self) -> str:
        """What a user must know of the results."""
        return super().note or NOTE

    def transcribe(
        self, audio: Audio, *, language: str = "", progress: Progress = no_progress
    ) -> tuple[TimedText, ...]:
        """Find words. Audio that is said to be in another language than English gives nothing.

        Args:
            audio: mono, 16 kHz.
            language: BCP 47, or empty, which is taken for English.
            progress: called with the share of the speech that is done; may raise to stop.
        """
        progress(0.0)
        if language and language.split("-", maxsplit=1)[0].lower() not in ("en", "eng"):
            progress(1.0)
            return ()
        regions = self.guards.regions(audio)
        total = sum(region.end - region.start for region in regions)
        words: list[Word] = []
        with self._lock:
            if regions:
                gain = _gain(audio, regions)
                self._prime(audio, regions, gain)
            done = 0.0
            for region in regions:
                for heard in self._listen(region.of(audio), gain):
                    progress(min(1.0, (done + heard) / total))
                done += region.end - region.start
                words.extend(self._words(region))
        progress(1.0)
        return self.guards.kept(sentences_of(words, source=self.id, language="en"), regions)

    def _prime(self, audio: Audio, regions: tuple[Region, ...], gain: float) -> None:
        """Forget earlier recordings, then learn the mean of this one's channel from the first seconds of speech."""
        self._decoder.reinit_feat()
        self._decoder.set_cmn(self._fresh_mean)
        left = int(_PRIMING_SECONDS * SAMPLE_RATE)
        parts = []
        for region in regions:
            parts.append(region.of(audio)[:left])
            left -= parts[-1].size
            if left <= 0:
                break
        for _ in self._listen(np.concatenate(parts), gain):
            pass

    def _listen(self, samples: Audio, gain: float) -> Iterator[float]:
        """Decode one utterance; yields the seconds heard so far. Leaves the decoder idle however it ends."""
        self._decoder.start_utt()
        try:
            for start in range(0, samples.size, _CHUNK):
                chunk = np.clip(samples[start : start + _CHUNK] * gain, -1.0, 1.0)
                self._decoder.process_raw((chunk * 32767).astype("<i2").tobytes())
                yield (start + chunk.size) / SAMPLE_RATE
        finally:
            self._decoder.end_utt()

    def _words(self, region: Region) -> Iterator[Word]:
        if self._decoder.hyp() is None:
            return
        for segment in self._decoder.seg():
            text = _VARIANT.sub("", segment.word)
            if text.startswith(("<", "[", "+")):
                continue
            yield Word(
                start=region.start + segment.start_frame * self._frame_seconds,
                end=min(region.end, region.start + (segment.end_frame + 1) * self._frame_seconds),
                text=f" {text}",
                confidence=min(1.0, max(0.0, float(segment.prob))),
            )


def _gain(audio: Audio, regions: tuple[Region, ...]) -> float:
    parts = [region.of(audio) for region in regions]
    energy = sum(float(np.square(part, dtype=np.float64).sum()) for part in parts)
    return _LEVEL / max(1e-6, math.sqrt(energy / max(1, sum(part.size for part in parts))))


def _model_options(folder: Path) -> dict[str, str]:
    parts = {"hmm": folder / "en-us", "lm": folder / "en-us.lm.bin", "dict": folder / "cmudict-en-us.dict"}
    for path in parts.values():
        if not path.exists():
            raise EngineUnavailable(f"The PocketSphinx model in {folder} has no {path.name}.")
    return {name: str(path) for name, path in parts.items()}


def _checked_options(sphinx: Any, folder: Path) -> dict[str, str]:
    """The options of a model that is known to load: over a broken one the library ends the whole process."""
    options = _model_options(folder)
    if folder.resolve() == (Path(sphinx.get_model_path()) / "en-us").resolve():
        return options
    code = f"import pocketsphinx; pocketsphinx.Decoder(samprate={SAMPLE_RATE}, loglevel='FATAL', **{options!r})"
    tried = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if tried.returncode:
        reason = (tried.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise EngineUnavailable(f"The PocketSphinx model in {folder} cannot be loaded: {reason}")
    return options
