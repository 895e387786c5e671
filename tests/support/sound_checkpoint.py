"""A tiny Audio Spectrogram Transformer in the real format, taught to tell a tone, noise and an alarm apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from reelseek.records import Audio

RATE = 16_000
LABELS = ("Sine wave", "White noise", "Alarm")
_FRAMES = 200
"""Two seconds, where the published models look at ten."""


def alarm(seconds: float, random: np.random.Generator | None = None) -> Audio:
    """Two tones in turn, four times a second."""
    low = 700 if random is None else random.uniform(600, 900)
    time = np.arange(int(seconds * RATE)) / RATE
    hertz = np.where(np.floor(time * 4) % 2 == 0, low, low * 1.5)
    return (0.3 * np.sin(2 * np.pi * np.cumsum(hertz) / RATE)).astype(np.float32)


def write_sound_classifier(folder: Path, steps: int = 150) -> Path:
    """Train for some seconds and save, as `save_pretrained` does."""
    import torch
    from transformers import ASTConfig, ASTFeatureExtractor, ASTForAudioClassification

    torch.manual_seed(0)
    random = np.random.default_rng(0)
    config = ASTConfig(
        hidden_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=96,
        max_length=_FRAMES,
        num_mel_bins=64,
        frequency_stride=16,
        time_stride=16,
        id2label=dict(enumerate(LABELS)),
        label2id={label: index for index, label in enumerate(LABELS)},
        problem_type="multi_label_classification",
    )
    model = ASTForAudioClassification(config).train()
    extract = ASTFeatureExtractor(max_length=_FRAMES, num_mel_bins=64)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    sounds, targets = zip(*(_example(random) for _ in range(160)), strict=True)
    features = extract(list(sounds), sampling_rate=RATE, return_tensors="pt")["input_values"]
    wanted = torch.tensor(np.stack(targets))
    for _ in range(steps):
        chosen = torch.randint(0, len(features), (16,))
        loss = model(features[chosen], labels=wanted[chosen]).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.eval().save_pretrained(folder)
    extract.save_pretrained(folder)
    return folder


def _example(random: np.random.Generator) -> tuple[Audio, np.ndarray]:
    """Two seconds with one of the sounds, or with none, in a part of them."""
    kind = int(random.integers(0, 4))
    count = int(random.uniform(1.0, 2.0) * RATE)
    time = np.arange(count) / RATE
    made = (
        0.3 * np.sin(2 * np.pi * random.uniform(200, 2000) * time),
        0.1 * random.standard_normal(count),
        alarm(count / RATE, random)[:count],
        np.zeros(count),
    )[kind]
    sound = (1e-3 * random.standard_normal(2 * RATE)).astype(np.float32)
    begin = int(random.integers(0, 2 * RATE - len(made) + 1))
    sound[begin : begin + len(made)] += (made * random.uniform(0.3, 1.0)).astype(np.float32)
    target = np.zeros(len(LABELS), np.float32)
    if kind < len(LABELS):
        target[kind] = 1.0
    return sound, target
