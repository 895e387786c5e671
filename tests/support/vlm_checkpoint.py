"""A tiny vision-language model in the format of the transformers library, written by the tests.

A Qwen2-VL whose tokenizer is trained on a few lines of our own, fitted for some seconds to say a picture's colour.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.checkpoints import COLOURS, plain_picture

LINES = (
    "What colour is the picture? red green blue yellow",
    "The quick brown fox jumps over the lazy dog 0123456789",
    "Frame at 0:00.0 (0.0 s): Answer with one JSON value that fits this JSON Schema, and with nothing else.",
    "You answer questions about videos from frames and evidence.",
)
SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
TEMPLATE = (
    "{%- for message in messages -%}{{ '<|im_start|>' + message.role + '\n' }}"
    "{%- if message.content is string -%}{{ message.content }}{%- else -%}"
    "{%- for part in message.content -%}"
    "{%- if part.type == 'image' -%}<|vision_start|><|image_pad|><|vision_end|>"
    "{%- elif part.type == 'image_url' -%}<|vision_start|><|image_pad|><|vision_end|>"
    "{%- else -%}{{ part.text }}{%- endif -%}"
    "{%- endfor -%}{%- endif -%}{{ '<|im_end|>\n' }}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\n' }}{%- endif -%}"
)
_SIDE = 56
QUESTION = "What colour is the picture?"


def write_vlm(folder: Path, *, fitted: bool = True, context: int = 2048) -> Path:
    """Write the checkpoint.

    Args:
        folder: created where absent.
        fitted: it knows `COLOURS` (some seconds); else random.
        context: positions, what `context_tokens` is.
    """
    import torch
    from transformers import Qwen2VLForConditionalGeneration

    processor = _processor()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = Qwen2VLForConditionalGeneration(_config(processor.tokenizer, context))
        if fitted:
            _fit(model, processor)
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _processor() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import (
        PreTrainedTokenizerFast,
        Qwen2VLImageProcessor,
        Qwen2VLProcessor,
        Qwen2VLVideoProcessor,
    )

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(LINES, trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False))
    raw.add_special_tokens(list(SPECIAL))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=list(SPECIAL[1:]),
        extra_special_tokens={
            "image_token": "<|image_pad|>",
            "video_token": "<|video_pad|>",
            "vision_start_token": "<|vision_start|>",
            "vision_end_token": "<|vision_end|>",
        },
    )
    pixels = {"min_pixels": _SIDE * _SIDE, "max_pixels": _SIDE * _SIDE}
    return Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(**pixels),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(**pixels),
        chat_template=TEMPLATE,
    )


def _config(tokenizer: Any, context: int) -> Any:
    from transformers import Qwen2VLConfig

    ids = dict(zip(SPECIAL, tokenizer.convert_tokens_to_ids(list(SPECIAL)), strict=True))
    return Qwen2VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": context,
            "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]},
            "bos_token_id": None,
            "eos_token_id": ids["<|im_end|>"],
            "pad_token_id": ids["<|endoftext|>"],
        },
        vision_config={"depth": 1, "embed_dim": 32, "hidden_size": 64, "num_heads": 2, "mlp_ratio": 2},
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )


def _fit(model: Any, processor: Any) -> None:
    """Some steps on pictures of one colour, asked in the layout that the engine uses."""
    import torch
    from PIL import Image

    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3)
    names = list(COLOURS)
    model.train()
    for step in range(60):
        pictures = [Image.fromarray(plain_picture(name, seed=step)) for name in names]
        texts = []
        for name in names:
            content = [
                {"type": "text", "text": "Frame at 0:01.0 (1.0 s):"},
                {"type": "image"},
                {"type": "text", "text": QUESTION},
            ]
            prompt = processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
            texts.append(f"{prompt}{name}<|im_end|>")
        batch = processor(text=texts, images=pictures, padding=True, return_tensors="pt")
        labels = batch["input_ids"].clone()
        starts = (labels == processor.tokenizer.convert_tokens_to_ids("<|im_start|>")).long()
        last = starts.cumsum(1).argmax(1)
        for row, start in enumerate(last.tolist()):
            labels[row, : start + 3] = -100
        labels[batch["attention_mask"] == 0] = -100
        loss = model(**batch, labels=labels).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    model.eval()
