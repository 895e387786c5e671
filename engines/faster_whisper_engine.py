"""Whisper on CTranslate2 (faster-whisper), with word times and Silero's voice detector."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engines.base import BaseEngine, require
from engines.loading import loading, present
from engines.protocols import Progress, no_progress
from engines.sentences import sentences_of
from engines.speech_blocks import LEAST_SURE, NO_SPEECH, Block, blocks_of, language_of_block, whisper_language
from engines.speech_guards import COMPRESSION_LIMIT, Guards, is_loop
from engines.voice_activity import SAMPLE_RATE
from reelseek.errors import EngineUnavailable, InvalidRequest
from reelseek.records import Audio, EngineRef, TimedText, Word
from reelseek.setting_groups import EngineSettings

_REQUIRED = ("model.bin", "config.json", "tokenizer.json")


class FasterWhisperEngine(BaseEngine):
    """Speech by a Whisper model in CTranslate2's format.

    Args:
        ref: identity.
        weights: the model's folder.
        settings: device, threads.

    Raises:
        EngineUnavailable: faster-whisper is not installed, or the weights are missing or broken.
    """

    def __init__(self, ref: EngineRef, weights: Path | None, settings: EngineSettings) -> None:
        super().__init__(ref, weights, settings)
        library = require("faster_whisper", "whisper")
        folder = present(weights, "faster-whisper")
        for name in _REQUIRED:
            # Without its tokenizer the library would ask the hub for one.
            if not (folder / name).is_file():
                raise EngineUnavailable(f"The faster-whisper weights {folder} have no {name}.")
        device, _, index = settings.device.partition(":")
        self._lock = threading.Lock()
        self.guards = Guards()
        with loading(folder, "faster-whisper"):
            self._model: Any = library.WhisperModel(
                str(folder),
                device="cpu" if device == "mps" else device,
                device_index=int(index or 0),
                compute_type="auto",
                cpu_threads=settings.threads,
                local_files_only=True,
            )

    def transcribe(
        self, audio: Audio, *, language: str = "", progress: Progress = no_progress
    ) -> tuple[TimedText, ...]:
        """Transcribe block by block.

        Args:
            audio: mono, 16 kHz.
            language: BCP 47; empty detects it for each block.
            progress: called with the share of the audio that is done; may raise to stop.

        Raises:
            InvalidRequest: Whisper does not know the language.
        """
        spoken = self._checked(language)
        length = max(audio.size / SAMPLE_RATE, 1e-9)
        progress(0.0)
        found: list[TimedText] = []
        with self._lock:
            regions = self.guards.regions(audio)
            for block in blocks_of(regions):
                samples = block.speech_of(audio)
                if not language:
                    spoken = self._detect(samples, spoken)
                words: list[Word] = []
                done = block.start
                for word in self._words(samples, block, spoken):
                    words.append(word)
                    done = max(done, word.end)
                    progress(min(1.0, done / length))
                found.extend(sentences_of(words, source=self.id, language=spoken))
                progress(min(1.0, max(done, block.end) / length))
        progress(1.0)
        return self.guards.kept(found, regions, LEAST_SURE)

    def _checked(self, language: str) -> str:
        code = whisper_language(language)
        if code and code not in self._model.supported_languages:
            raise InvalidRequest(f"This Whisper model does not know the language {language!r}.")
        return code

    def _detect(self, samples: Audio, before: str) -> str:
        if not self._model.model.is_multilingual:
            return "en"
        language, probability, _ = self._model.detect_language(samples, vad_filter=True, language_detection_segments=3)
        return language_of_block(before, str(language), float(probability))

    def _words(self, samples: Audio, block: Block, language: str) -> Iterator[Word]:
        segments, _ = self._model.transcribe(
            samples,
            language=language,
            word_timestamps=True,
            vad_filter=True,
            vad_parameters={"min_silence_duration_ms": 1000, "speech_pad_ms": 200},
            condition_on_previous_text=False,
            no_speech_threshold=NO_SPEECH,
            compression_ratio_threshold=COMPRESSION_LIMIT,
            hallucination_silence_threshold=2.0,
        )
        for segment in segments:
            if segment.compression_ratio > COMPRESSION_LIMIT or is_loop(segment.text):
                continue
            for word in segment.words or ():
                yield Word(
                    block.start + float(word.start),
                    min(block.start + float(word.end), block.end),
                    word.word,
                    float(word.probability),
                )
