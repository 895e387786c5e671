"""Whisper by its authors' own library, with word times; a voice detector decides what it hears."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engines.base import BaseEngine, require
from engines.loading import loading, present
from engines.protocols import Progress, no_progress
from engines.sentences import sentences_of
from engines.speech_blocks import LEAST_SURE, NO_SPEECH, language_of_block, whisper_language
from engines.speech_guards import COMPRESSION_LIMIT, Guards, is_loop
from engines.torch_device import choose_device
from engines.voice_activity import SAMPLE_RATE, Region
from reelseek.errors import EngineUnavailable, InvalidRequest
from reelseek.records import Audio, EngineRef, TimedText, Word
from reelseek.setting_groups import EngineSettings

_WINDOW_SECONDS = 30.0
_DETECT_SECONDS = 3.0
"""A shorter stretch of speech does not decide on the language, unless none came before it."""


class OpenAiWhisperEngine(BaseEngine):
    """Speech by a Whisper checkpoint (`.pt`) as OpenAI publishes them.

    Args:
        ref: identity.
        weights: the file, or a folder with one `.pt`.
        settings: device, threads.

    Raises:
        EngineUnavailable: the library is not installed, or the weights are missing or broken.
    """

    def __init__(self, ref: EngineRef, weights: Path | None, settings: EngineSettings) -> None:
        super().__init__(ref, weights, settings)
        self._library = require("whisper", "whisper")
        file = _checkpoint(present(weights, "Whisper"))
        self._device = choose_device(settings, "whisper")
        self._lock = threading.Lock()
        self.guards = Guards()
        with loading(file, "Whisper"):
            self._model: Any = self._library.load_model(str(file), device=self._device)

    def transcribe(
        self, audio: Audio, *, language: str = "", progress: Progress = no_progress
    ) -> tuple[TimedText, ...]:
        """Transcribe one stretch of speech after the other, each at most the 30 s that the model sees at once.

        Args:
            audio: mono, 16 kHz.
            language: BCP 47; empty detects it.
            progress: called with the share of the audio that is done; may raise to stop.

        Raises:
            InvalidRequest: Whisper does not know the language.
        """
        spoken = self._checked(language)
        length = max(audio.size / SAMPLE_RATE, 1e-9)
        progress(0.0)
        found: list[TimedText] = []
        with self._lock:
            regions = self.guards.regions(audio, max_seconds=_WINDOW_SECONDS)
            for region in regions:
                samples = region.of(audio)
                if not language and (not spoken or region.end - region.start >= _DETECT_SECONDS):
                    spoken = self._detect(samples, spoken)
                found.extend(sentences_of(self._words(samples, region, spoken), source=self.id, language=spoken))
                progress(min(1.0, region.end / length))
        progress(1.0)
        return self.guards.kept(found, regions, LEAST_SURE)

    def _checked(self, language: str) -> str:
        code = whisper_language(language)
        if code and code not in self._library.tokenizer.LANGUAGES:
            raise InvalidRequest(f"This Whisper model does not know the language {language!r}.")
        return code

    def _detect(self, samples: Audio, before: str) -> str:
        if not self._model.is_multilingual:
            return "en"
        library = self._library.audio
        mel = library.log_mel_spectrogram(library.pad_or_trim(samples), self._model.dims.n_mels)
        _, probabilities = self._model.detect_language(mel.to(self._model.device))
        found = max(probabilities, key=probabilities.get)
        return language_of_block(before, str(found), float(probabilities[found]))

    def _words(self, samples: Audio, region: Region, language: str) -> Iterator[Word]:
        result = self._model.transcribe(
            samples,
            language=language,
            word_timestamps=True,
            condition_on_previous_text=False,
            no_speech_threshold=NO_SPEECH,
            compression_ratio_threshold=COMPRESSION_LIMIT,
            hallucination_silence_threshold=2.0,
            fp16=self._device.startswith("cuda"),
            verbose=None,
        )
        for segment in result["segments"]:
            if segment["compression_ratio"] > COMPRESSION_LIMIT or is_loop(segment["text"]):
                continue
            for word in segment["words"]:
                yield Word(
                    region.start + float(word["start"]),
                    min(region.start + float(word["end"]), region.end),
                    word["word"],
                    float(word["probability"]),
                )


def _checkpoint(path: Path) -> Path:
    if path.is_file():
        return path
    files = sorted(path.glob("*.pt"))
    if len(files) != 1:
        raise EngineUnavailable(f"{path} must hold exactly one Whisper checkpoint (*.pt), and holds {len(files)}.")
    return files[0]
