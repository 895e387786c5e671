"""A tiny cross-encoder in the real format, taught that a text answers a query when it holds the query's words."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

WORDS = ("red", "green", "blue", "car", "bus", "bridge", "bread", "oven", "dough", "flour", "budget", "lecture")


def write_cross_encoder(folder: Path, *, fitted: bool = True, labels: int = 1) -> Path:
    """A BERT of two layers with a head over pairs, as `save_pretrained` writes it.

    Args:
        folder: created where absent.
        fitted: trained for some seconds; else random.
        labels: outputs of the head; a judge has one, some have two (no, yes).
    """
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    tokenizer = BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=64)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        config = BertConfig(
            vocab_size=len(vocabulary), hidden_size=48, num_hidden_layers=2, num_attention_heads=1,
            intermediate_size=96, max_position_embeddings=64, num_labels=labels,
            hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        )  # fmt: skip
        model = BertForSequenceClassification(config)
        _look_for_the_same_word(model)
        if fitted:
            _fit(model, tokenizer, labels)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _look_for_the_same_word(model: Any) -> None:
    """Begin where every word attends to its own kind: a comparison that so small a model would learn only slowly."""
    import torch

    with torch.no_grad():
        embeddings = model.bert.embeddings
        torch.nn.init.orthogonal_(embeddings.word_embeddings.weight)
        embeddings.position_embeddings.weight.zero_()
        attention = model.bert.encoder.layer[0].attention.self
        for side in (attention.query, attention.key):
            side.weight.copy_(torch.eye(side.weight.shape[0]))
            side.bias.zero_()


def _fit(model: Any, tokenizer: Any, labels: int) -> None:
    import torch

    chance = random.Random(0)
    optimiser = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(100):
        pairs = [_pair(chance) for _ in range(32)]
        inputs = tokenizer(
            [query for query, _, _ in pairs], [text for _, text, _ in pairs], padding=True, return_tensors="pt"
        )
        logits = model(**inputs).logits
        judged = logits[:, 1] - logits[:, 0] if labels == 2 else logits[:, 0]
        wanted = torch.tensor([answer for _, _, answer in pairs])
        loss = torch.nn.functional.binary_cross_entropy_with_logits(judged, wanted)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()


def _pair(chance: random.Random) -> tuple[str, str, float]:
    """A query of one or two words, a text of some, and 1 where the text holds them."""
    query = chance.sample(WORDS, chance.choice((1, 2)))
    others = [word for word in WORDS if word not in query]
    text = chance.sample(others, chance.randint(1, 6))
    answers = chance.random() < 0.5
    if answers:
        text += query
        chance.shuffle(text)
    return " ".join(query), " ".join(text), float(answers)
