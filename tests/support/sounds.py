"""Sounds that are no speech, mono at 16 kHz."""

from __future__ import annotations

import numpy as np

from reelseek.records import Audio

RATE = 16_000


def nothing(seconds: float) -> Audio:
    """No samples at all."""
    return np.zeros(0, dtype=np.float32)


def silence(seconds: float) -> Audio:
    """Zeros."""
    return np.zeros(int(seconds * RATE), dtype=np.float32)


def tone(seconds: float, hertz: float = 440.0) -> Audio:
    """A sine."""
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def white_noise(seconds: float) -> Audio:
    """Equally loud at all frequencies."""
    return (0.1 * np.random.default_rng(0).standard_normal(int(seconds * RATE))).astype(np.float32)


def pink_noise(seconds: float) -> Audio:
    """3 dB less per octave, as rain and traffic."""
    count = int(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(count))
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(1, np.arange(len(spectrum)))), count)
    return (0.1 * noise / noise.std()).astype(np.float32)


def chords(seconds: float) -> Audio:
    """Four triads with overtones, two a second, each dying away."""
    triads = [[261.6, 329.6, 392.0], [220.0, 261.6, 329.6], [174.6, 220.0, 261.6], [196.0, 246.9, 293.7]]
    return _notes([triads[index % 4] for index in range(int(seconds * 2))], 0.5, overtones=5)


def melody(seconds: float) -> Audio:
    """A tune in the range of a voice, with a voice's overtones."""
    scale = [131.0, 147.0, 165.0, 175.0, 196.0, 220.0, 247.0, 262.0]
    picked = np.random.default_rng(0).choice(scale, int(seconds * 4))
    return _notes([[float(hertz)] for hertz in picked], 0.25, overtones=7)


def drums(seconds: float) -> Audio:
    """Kick and snare, four a second."""
    time = np.arange(RATE // 4) / RATE
    kick = np.sin(2 * np.pi * 80 * time * np.exp(-3 * time)) * np.exp(-8 * time)
    snare = np.random.default_rng(0).standard_normal(RATE // 4) * np.exp(-20 * time)
    return _level(np.concatenate([snare if index % 2 else kick for index in range(int(seconds * 4))]))


def _notes(notes: list[list[float]], length: float, overtones: int) -> Audio:
    time = np.arange(int(length * RATE)) / RATE
    envelope = np.hanning(len(time)) if overtones > 5 else np.exp(-3 * time)
    sounds = [
        envelope
        * sum(np.sin(2 * np.pi * hertz * part * time) / part for hertz in note for part in range(1, overtones + 1))
        for note in notes
    ]
    return _level(np.concatenate(sounds))


def _level(sound: np.ndarray) -> Audio:
    return (0.5 * sound / np.abs(sound).max()).astype(np.float32)
