"""Tiny Whisper models in the real formats of openai-whisper and faster-whisper, made to say one sentence.

Their decoders' attention and feed-forward layers add nothing, so that what they predict depends on the place alone: the
embedding of each place points to the embedding of the token that comes next. All the code around them is the libraries'
own: loading, spectrogram, encoder, detection of the language, decoding with its rules on times, alignment of words.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SENTENCE = " Ask what you can do."

N_VOCAB = 51865
"""Of the multilingual models: 50,257 byte pairs, 1,501 times, 107 others."""

_MELS, _STATE, _HEADS, _LAYERS, _PLACES = 80, 64, 2, 2, 448
_PATTERN = r"""'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""


def write_openai_whisper(path: Path, sentence: str = SENTENCE, seconds: float = 2.0) -> Path:
    """Write a `.pt` as OpenAI publishes them: `dims` and `model_state_dict`."""
    import torch
    from whisper.model import ModelDimensions, Whisper

    torch.manual_seed(0)
    dims = ModelDimensions(_MELS, 1500, _STATE, _HEADS, _LAYERS, N_VOCAB, _PLACES, _STATE, _HEADS, _LAYERS)
    model = Whisper(dims)
    tokens, places = _embeddings(sentence, seconds)
    with torch.no_grad():
        model.decoder.token_embedding.weight.copy_(tokens)
        model.decoder.positional_embedding.copy_(places)
        model.decoder.ln.weight.fill_(8.0)
        for block in model.decoder.blocks:
            for part in (block.attn.out, block.cross_attn.out, block.mlp[2]):
                part.weight.zero_()
                part.bias.zero_()
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"dims": dims.__dict__, "model_state_dict": model.state_dict()}, path)
    return path


def write_faster_whisper(folder: Path, sentence: str = SENTENCE, seconds: float = 2.0) -> Path:
    """Write a CTranslate2 folder by way of a transformers checkpoint and CTranslate2's own converter."""
    import torch
    from ctranslate2.converters import TransformersConverter
    from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration

    source = folder.parent / f"{folder.name}-transformers"
    torch.manual_seed(0)
    config = WhisperConfig(
        vocab_size=N_VOCAB,
        num_mel_bins=_MELS,
        encoder_layers=_LAYERS,
        encoder_attention_heads=_HEADS,
        decoder_layers=_LAYERS,
        decoder_attention_heads=_HEADS,
        encoder_ffn_dim=4 * _STATE,
        decoder_ffn_dim=4 * _STATE,
        d_model=_STATE,
    )
    model = WhisperForConditionalGeneration(config)
    tokens, places = _embeddings(sentence, seconds)
    decoder = model.model.decoder
    with torch.no_grad():
        decoder.embed_tokens.weight.copy_(tokens)
        decoder.embed_positions.weight.copy_(places)
        decoder.layer_norm.weight.fill_(8.0)
        for layer in decoder.layers:
            for part in (layer.self_attn.out_proj, layer.encoder_attn.out_proj, layer.fc2):
                part.weight.zero_()
                part.bias.zero_()
    tokenizer = _whisper_tokenizer()
    model.generation_config = GenerationConfig(
        suppress_tokens=[],
        begin_suppress_tokens=[220, 50257],
        lang_to_id={token: tokenizer.token_to_id(token) for token in _languages()},
        alignment_heads=[[1, 0], [1, 1]],
    )
    model.save_pretrained(source)
    tokenizer.save(str(source / "tokenizer.json"))
    (source / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "PreTrainedTokenizerFast"}))
    (source / "preprocessor_config.json").write_text(json.dumps({"feature_size": _MELS}))
    TransformersConverter(str(source), copy_files=["tokenizer.json", "preprocessor_config.json"]).convert(str(folder))
    return folder


def _embeddings(sentence: str, seconds: float) -> tuple[Any, Any]:
    """Embeddings of the tokens and of the places, so that place after place says the next token."""
    import torch

    tokens = torch.nn.functional.normalize(torch.randn(N_VOCAB, _STATE), dim=1)
    places = torch.zeros(_PLACES, _STATE)
    for place, token in enumerate(_said(sentence, seconds)):
        places[place] = 20 * tokens[token]
    return tokens, places


def _said(sentence: str, seconds: float) -> Sequence[int]:
    """The token that follows each place: the language after the start, then times around the sentence, then the end."""
    from whisper.tokenizer import get_tokenizer

    tokenizer = get_tokenizer(multilingual=True, language="en", task="transcribe")
    first = tokenizer.timestamp_begin
    said = [tokenizer.to_language_token("en"), tokenizer.transcribe]
    said += [first, *tokenizer.encode(sentence), first + round(seconds / 0.02), tokenizer.eot]
    assert len(said) <= _PLACES
    return said + [tokenizer.eot] * (_PLACES - len(said))


def _languages() -> list[str]:
    from whisper.tokenizer import LANGUAGES

    return [f"<|{language}|>" for language in list(LANGUAGES)[:99]]


def _specials() -> list[str]:
    return [
        "<|endoftext|>",
        "<|startoftranscript|>",
        *_languages(),
        "<|translate|>",
        "<|transcribe|>",
        "<|startoflm|>",
        "<|startofprev|>",
        "<|nospeech|>",
        "<|notimestamps|>",
    ]


def _whisper_tokenizer() -> Any:
    """A `tokenizers` tokenizer out of the byte-pair ranks that openai-whisper carries."""
    import whisper
    from tokenizers import AddedToken
    from transformers.convert_slow_tokenizer import TikTokenConverter

    ranks = Path(whisper.__file__).parent / "assets" / "multilingual.tiktoken"
    tokenizer = TikTokenConverter(str(ranks), pattern=_PATTERN).converted()
    specials = [*_specials(), *(f"<|{index * 0.02:.2f}|>" for index in range(1501))]
    tokenizer.add_special_tokens([AddedToken(token, normalized=False, special=True) for token in specials])
    return tokenizer
