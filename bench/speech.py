"""Speech: word error rate of each engine that can run here, with and without guards; who speaks when.

`python -m bench.speech [FOLDER]`, FOLDER being the audio with its manifest (`../shared/data`).
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from engines.families import families
from engines.registry import Engines
from engines.speech_guards import Guards, NoGuards
from ingest.audio import RATE, sound
from ingest.probe import probe
from ingest.speakers import Turn, Voices, speaker_turns, stretches
from reelseek.records import Audio
from reelseek.setting_groups import EngineSettings, IngestSettings
from reelseek.settings import Settings

_COLLAR = 0.25
"""Seconds on both sides of a true change of speaker that are not scored, as NIST's evaluations do."""

_STEP = 0.01
_ESPEAK = ("en-us+m3", "en-us+f2")
_TEXT = (
    "The quick brown fox jumps over the lazy dog. A journey of a thousand miles begins with a single step. "
    "We shall see what tomorrow brings to all of us here today. Nothing ventured, nothing gained. "
    "The meeting begins at nine, and everybody should bring their own chair."
)


_LICENCE = (
    "Permission is hereby granted free of charge to any person obtaining a copy of this software and associated "
    "documentation files to deal in the software without restriction including without limitation the rights to use "
    "copy modify merge publish distribute sublicense and or sell copies of the software and to permit persons to whom "
    "the software is furnished to do so subject to the following conditions the above copyright notice and this "
    "permission notice shall be included in all copies or substantial portions of the software"
)
_LICENCE_ENDS = 29.5
"""What is read in the file of two languages, and when (s) the English part ends."""


def measure(data: Path, settings: Settings | None = None) -> dict[str, Any]:
    """All figures, as JSON.

    Args:
        data: the folder with `audio/` and `audio_manifest.json`.
        settings: where weights are; what a person has pulled is measured too.
    """
    settings = settings or Settings()
    return {"words": list(words(data, settings)), "speakers": list(speakers(data, settings))}


def words(data: Path, settings: Settings) -> Iterator[dict[str, Any]]:
    """Word error rate per engine and file, with guards and without."""
    spoken = references(data)
    for family in families("speech"):
        chosen = settings.model_copy(update={"engines": EngineSettings(speech=family.name, threads=1)})
        with Engines(chosen) as engines:
            found = engines.resolution("speech")
            if found.state != "ready":
                yield {"engine": family.name, "state": f"no weights here: {found.reason}"}
                continue
            engine: Any = engines.speech()
            for guards in (Guards(), NoGuards()):
                engine.guards = guards
                for name, audio in unspoken().items():
                    said = " ".join(line.text for line in engine.transcribe(audio, language="en"))
                    yield {
                        "engine": engine.id, "state": "measured", "guards": type(guards) is Guards, "file": name,
                        "errors": len(said.split()), "words": 0, "heard": len(said.split()),
                    }  # fmt: skip
                for name, audio, reference in spoken:
                    said = " ".join(line.text for line in engine.transcribe(audio, language="en"))
                    errors, count = word_errors(reference, said)
                    yield {
                        "engine": engine.id, "state": "measured", "guards": type(guards) is Guards, "file": name,
                        "errors": errors, "words": count, "rate": round(errors / count, 3), "heard": len(said.split()),
                    }  # fmt: skip


def references(data: Path) -> list[tuple[str, Audio, str]]:
    """File, sound and what is said in it."""
    found = []
    for entry in json.loads((data / "audio_manifest.json").read_text("utf-8")):
        path, text = data / entry["file"], entry["transcript"]
        if "left channel" in text:
            left, right = re.split(r"right channel:", text.replace("left channel:", ""))
            found.append((f"{path.name} left", read(path, 0), left))
            found.append((f"{path.name} right", read(path, 1), right))
        elif "MIT licence text" in text:
            found.append((f"{path.name} English", read(path)[: round(_LICENCE_ENDS * RATE)], _LICENCE))
        else:
            found.append((path.name, read(path), text))
    return found


def unspoken(seconds: float = 30.0) -> dict[str, Audio]:
    """Sounds without words: each word that is heard in them is invented."""
    random = np.random.default_rng(0)
    time = np.arange(round(0.4 * RATE)) / RATE
    notes = 110 * 2 ** (random.integers(0, 24, round(seconds / 0.4)) / 12)
    fade = np.exp(-4 * time)
    tune = np.concatenate(
        [fade * sum(np.sin(2 * np.pi * hertz * part * time) / part for part in range(1, 7)) for hertz in notes]
    )
    noise = random.standard_normal(round(seconds * RATE))
    return {"a tune": (0.2 * tune).astype(np.float32), "white noise": (0.1 * noise).astype(np.float32)}


def read(path: Path, channel: int | None = None) -> Audio:
    """A file's sound, mono at 16 kHz; or one channel of it."""
    settings = IngestSettings()
    if channel is None:
        info = probe(path, settings, "0" * 32)
        return np.concatenate([np.zeros(0, np.float32), *sound(path, info, settings)])
    with tempfile.TemporaryDirectory() as folder:
        single = Path(folder) / "channel.wav"
        pan = f"pan=mono|c0=c{channel}"
        subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), "-af", pan, str(single)], check=True)
        return read(single)


def word_errors(reference: str, said: str) -> tuple[int, int]:
    """Substitutions, deletions and insertions, and the number of words that were said."""
    want, have = (re.findall(r"[\w']+", text.casefold()) for text in (reference, said))
    row = list(range(len(have) + 1))
    for index, word in enumerate(want):
        before, row[0] = row[0], index + 1
        for place, other in enumerate(have):
            before, row[place + 1] = row[place + 1], min(row[place + 1] + 1, row[place] + 1, before + (word != other))
    return row[-1], len(want)


@dataclass(frozen=True)
class Talk:
    """A conversation made of turns, and who speaks when in it."""

    audio: Audio
    truth: tuple[tuple[float, float, int], ...]


def conversation(voices: Sequence[Audio], seed: int, turns: int = 24, least: float = 1.5, most: float = 6.0) -> Talk:
    """Turns of random speakers and lengths, cut out of their speech, with 0.1 to 0.6 s between them."""
    random = np.random.default_rng(seed)
    speech = [[region.of(voice) for region in Guards().regions(voice)] for voice in voices]
    pieces: list[Audio] = []
    truth, at, who = [], 0.0, -1
    for _ in range(turns):
        who = int(random.choice([other for other in range(len(voices)) if other != who]))
        talk = np.concatenate(speech[who])
        count = min(len(talk), round(random.uniform(least, most) * RATE))
        begin = int(random.integers(0, len(talk) - count + 1))
        part = talk[begin : begin + count] * (0.08 / max(1e-4, float(talk.std())))
        gap = np.zeros(round(random.uniform(0.1, 0.6) * RATE), np.float32)
        pieces += [part.astype(np.float32), gap]
        truth.append((at, at + count / RATE, who))
        at += (count + len(gap)) / RATE
    return Talk(np.concatenate(pieces), tuple(truth))


def speakers(data: Path, settings: Settings) -> Iterator[dict[str, Any]]:
    """Diarisation error rate of conversations made of the real voices and of synthetic ones."""
    with Engines(settings.model_copy(update={"engines": EngineSettings(threads=1)})) as engines:
        engine = engines.speakers()
        if engine is None:
            yield {"voices": "-", "state": f"no engine here: {engines.resolution('speakers').reason}"}
            return
        for name, voices in (("real", real_voices(data)), ("espeak", espeak_voices())):
            for count in sorted({min(2, len(voices)), len(voices)} - {0, 1}):
                for seed in range(3):
                    chosen = [voices[i] for i in np.random.default_rng(seed).permutation(len(voices))[:count]]
                    talk = conversation(chosen, seed)
                    found = speaker_turns(heard(engine, talk.audio))
                    yield {
                        "voices": name, "state": "measured", "engine": engine.id, "seed": seed, "speakers": count,
                        "found": len({turn.speaker for turn in found}), **diarisation_error(talk.truth, found),
                    }  # fmt: skip


def heard(engine: Any, audio: Audio) -> Voices:
    """The voices of a recording."""
    regions = Guards().regions(audio, max_seconds=600.0)
    pieces = [(index, span) for index, region in enumerate(regions) for span in stretches(region)]
    spans = [span for _, span in pieces]
    return Voices(np.asarray(spans), np.asarray([index for index, _ in pieces]), engine.embed(audio, spans))


def real_voices(data: Path) -> list[Audio]:
    """One recording a person."""
    folder = data / "audio"
    both = read(folder / "fasterwhisper_multilingual.mp3")
    stereo = folder / "fasterwhisper_stereo_diarization.wav"
    halves = [both[: 28 * RATE], both[32 * RATE :]]
    return [read(folder / "jfk.flac"), read(stereo, 0), read(stereo, 1), *halves]


def espeak_voices() -> list[Audio]:
    """Synthetic voices, where espeak-ng is installed."""
    if shutil.which("espeak-ng") is None:
        return []
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for voice in _ESPEAK:
            target = Path(folder) / f"{voice}.wav"
            subprocess.run(["espeak-ng", "-v", voice, "-w", str(target), _TEXT], check=True)
            found.append(read(target))
    return found


def diarisation_error(truth: Sequence[tuple[float, float, int]], found: Sequence[Turn]) -> dict[str, float]:
    """NIST's diarisation error rate with a collar, one speaker at a time.

    Missed, false and confused time as shares of the speech, under the best assignment of names.
    """
    count = round(max(end for _, end, _ in truth) / _STEP)
    want, have = np.full(count, -1), np.full(count, -1)
    scored = np.ones(count, bool)
    for start, end, who in truth:
        want[round(start / _STEP) : round(end / _STEP)] = who
        for edge in (start, end):
            scored[max(0, round((edge - _COLLAR) / _STEP)) : round((edge + _COLLAR) / _STEP)] = False
    for turn in found:
        have[round(turn.start / _STEP) : round(turn.end / _STEP)] = turn.speaker
    want, have = want[scored], have[scored]
    speech = max(1, int((want >= 0).sum()))
    both = (want >= 0) & (have >= 0)
    right = _best_match(want[both], have[both])
    missed, wrong = int(((want >= 0) & (have < 0)).sum()), int(((want < 0) & (have >= 0)).sum())
    parts = {"missed": missed, "false": wrong, "confused": int(both.sum()) - right}
    rates = {name: round(value / speech, 4) for name, value in parts.items()}
    return rates | {"error": round(sum(parts.values()) / speech, 4)}


def _best_match(want: Any, have: Any) -> int:
    """Frames that agree under the best one-to-one assignment of names."""
    from scipy.optimize import linear_sum_assignment

    if not len(want):
        return 0
    table = np.zeros((int(want.max()) + 1, int(have.max()) + 1), np.int64)
    np.add.at(table, (want, have), 1)
    rows, columns = linear_sum_assignment(-table)
    return int(table[rows, columns].sum())


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.speech", description="word and diarisation errors")
    parser.add_argument("data", nargs="?", type=Path, default=Path("../shared/data"))
    options = parser.parse_args()
    console = Console()
    if not (options.data / "audio_manifest.json").is_file():
        console.print(f"no audio in {options.data}: nothing measured")
        return
    figures = measure(options.data)
    for title, rows in (("Word error rate", figures["words"]), ("Who speaks when", figures["speakers"])):
        console.print(_table(title, rows))


def _table(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(title=title)
    for name in columns:
        table.add_column(name)
    for row in rows:
        table.add_row(*(str(row.get(name, "")) for name in columns))
    return table


if __name__ == "__main__":
    main()
