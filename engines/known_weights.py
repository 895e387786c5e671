"""Weights known by name: which files of which hub repository, at which commit, how large, under which licence.

A revision of 40 hex digits is a pin: the commit that several independent projects name for that repository. Where no
commit was known for certain the revision is a branch; the first pull then asks the hub which commit it is. Every pull
records its commit and each file's size and SHA-256 in `weights.lock.json` beside the weights; later pulls and `verify`
hold to the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Part:
    """Files of one hub repository.

    Attributes:
        repo: `owner/name` on the hub.
        revision: a commit (pinned) or a branch.
        required: file patterns, each of which must match something; alternatives are parted by `|`, the first wins.
        optional: further patterns to take where they match.
        folder: where in the weights' folder the files go.
        sha256: known checksums by file name, held against whatever the hub says.
    """

    repo: str
    revision: str = "main"
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    folder: str = ""
    sha256: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights known by name.

    Attributes:
        parts: where they come from; empty when no hub carries them and a person puts them in place.
        size: of the download, in bytes, about.
        modules: what these need beside the family's own modules; its extra brings them.
    """

    name: str
    parts: tuple[Part, ...]
    size: int
    licence: str
    modules: tuple[str, ...] = ()


OPENCLIP_FILES = ("open_clip_config.json", "open_clip_model.safetensors|open_clip_pytorch_model.bin")
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.model",
)
CT2_FILES = ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt|vocabulary.json")
_PADDLE_FILES = ("inference.json", "inference.pdiparams", "inference.yml")
SOUND_FILES = ("config.json", "preprocessor_config.json", "model.safetensors|pytorch_model.bin")
RERANKER_FILES = ("config.json", "model.safetensors|pytorch_model.bin", "tokenizer.json|vocab.txt|tokenizer.model")
VLM_FILES = ("config.json", "*.safetensors", "tokenizer.json|tokenizer.model")
VLM_EXTRA = (
    *TOKENIZER_FILES,
    "generation_config.json",
    "preprocessor_config.json",
    "video_preprocessor_config.json",
    "processor_config.json",
    "chat_template.*",
    "model.safetensors.index.json",
)


def _openclip(name: str, repo: str, revision: str, *, size: int, licence: str, sha256: str) -> Weights:
    files = {"open_clip_model.safetensors": sha256}
    return Weights(name, (Part(repo, revision, OPENCLIP_FILES, TOKENIZER_FILES, sha256=files),), size, licence)


def _faster_whisper(name: str, repo: str, revision: str, size: int, sha256: str) -> Weights:
    part = Part(repo, revision, CT2_FILES, ("preprocessor_config.json",), sha256={"model.bin": sha256})
    return Weights(name, (part,), size, "MIT")


def _whisper(name: str, size: int, sha256: str) -> Weights:
    return Weights(name, (Part("", sha256={f"{name}.pt": sha256}),), size, "MIT")


def _yolo(name: str, repo: str, revision: str, size: int, sha256: str = "") -> Weights:
    file = f"{name}.pt"
    part = Part(repo, revision, (file,), sha256={file: sha256} if sha256 else {})
    return Weights(name, (part,), size, "AGPL-3.0")


def _yolox(name: str, size: int) -> Weights:
    file = f"{name}.onnx"
    return Weights(name, (Part("hr16/yolox-onnx", required=(file,)),), size, "Apache-2.0")


def _paddle(name: str, size: int) -> Weights:
    parts = tuple(
        Part(f"PaddlePaddle/{name}_{part}", required=_PADDLE_FILES, folder=part, optional=("config.json",))
        for part in ("det", "rec")
    )
    return Weights(name, parts, size, "Apache-2.0")


def _vlm(
    name: str, repo: str, revision: str, size: int, *, licence: str = "Apache-2.0", modules: tuple[str, ...] = ()
) -> Weights:
    return Weights(name, (Part(repo, revision, VLM_FILES, VLM_EXTRA),), size, licence, modules)


_MB = 1_000_000

OPENCLIP: tuple[Weights, ...] = (
    _openclip(
        "MobileCLIP2-S0",
        "timm/MobileCLIP2-S0-OpenCLIP",
        "095906d28bf54d7584dc411e8ffe448f34289e05",
        size=300 * _MB,
        licence="Apple AMLR, research only",
        sha256="ab91a1a0c4330d6b1913e24d5035dfdea15423316aaec649610c6b1c6ddd0e95",
    ),
    _openclip(
        "ViT-B-32",
        "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
        "1a25a446712ba5ee05982a381eed697ef9b435cf",
        size=605 * _MB,
        licence="MIT",
        sha256="ac4f8c4b88af6d963118cbf40ad93176d092abbedfcb752601ae1866352656e6",
    ),
)

FASTER_WHISPER: tuple[Weights, ...] = (
    _faster_whisper(
        "large-v3",
        "Systran/faster-whisper-large-v3",
        "edaa852ec7e145841d8ffdb056a99866b5f0a478",
        3_091 * _MB,
        "69f74147e3334731bc3a76048724833325d2ec74642fb52620eda87352e3d4f1",
    ),
    _faster_whisper(
        "large-v3-turbo",
        "mobiuslabsgmbh/faster-whisper-large-v3-turbo",
        "0a363e9161cbc7ed1431c9597a8ceaf0c4f78fcf",
        1_621 * _MB,
        "e76620f83d5f5b69efd3d87e3dc180c1bd21df9fbebacfd4335e5e1efcc018da",
    ),
    _faster_whisper(
        "medium",
        "Systran/faster-whisper-medium",
        "08e178d48790749d25932bbc082711ddcfdfbc4f",
        1_531 * _MB,
        "9b45e1009dcc4ab601eff815b61d80e60ce3fd8c74c1a14f4a282258286b51ae",
    ),
    _faster_whisper(
        "small",
        "Systran/faster-whisper-small",
        "536b0662742c02347bc0e980a01041f333bce120",
        486 * _MB,
        "3e305921506d8872816023e4c273e75d2419fb89b24da97b4fe7bce14170d671",
    ),
    _faster_whisper(
        "base",
        "Systran/faster-whisper-base",
        "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66",
        148 * _MB,
        "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
    ),
    _faster_whisper(
        "tiny",
        "Systran/faster-whisper-tiny",
        "d90ca5fe260221311c53c58e660288d3deb8d356",
        78 * _MB,
        "dcb76c6586fc06cbdac6dd21f14cfd129cc4cdd9dce19bf4ffa62e59cbe6e6d1",
    ),
)

WHISPER: tuple[Weights, ...] = (
    _whisper("large-v3", 3_087 * _MB, "e5b1a55b89c1367dacf97e3e19bfd829a01529dbfdeefa8caeb59b3f1b81dadb"),
    _whisper("large-v3-turbo", 1_618 * _MB, "aff26ae408abcba5fbf8813c21e62b0941638c5f6eebfb145be0c9839262a19a"),
    _whisper("medium", 1_528 * _MB, "345ae4da62f9b3d59415adc60127b97c714f32e89e936602e85993674d08dcb1"),
    _whisper("small", 484 * _MB, "9ecf779972d90ba49c06d968637d720dd632c55bbf19d441fb42bf17a411e794"),
    _whisper("base", 145 * _MB, "ed3a0b6b1c0edf879ad9b11b1af5a0e6ab5db9205f891f668f8b0e6c6326e34e"),
    _whisper("tiny", 76 * _MB, "65147644a518d12f04e32d6f3b26facc3f8dd46e5390956a9424a650c0ce22b9"),
)

PADDLEOCR: tuple[Weights, ...] = (
    _paddle("PP-OCRv6_medium", 140 * _MB),
    _paddle("PP-OCRv6_small", 35 * _MB),
    _paddle("PP-OCRv5_server", 173 * _MB),
    _paddle("PP-OCRv5_mobile", 22 * _MB),
)

SOUNDS: tuple[Weights, ...] = (
    Weights(
        "AST-AudioSet",
        (Part("MIT/ast-finetuned-audioset-10-10-0.4593", required=SOUND_FILES),),
        346 * _MB,
        "BSD-3-Clause",
    ),
)
"""Gong, Chung, Glass, "AST: Audio Spectrogram Transformer", Interspeech 2021; 527 labels of AudioSet."""

ULTRALYTICS: tuple[Weights, ...] = (
    _yolo("yolo11m", "Ultralytics/YOLO11", "365ed86341e7a7456dbc4cafc09f138814ce9ff1", 41 * _MB),
    _yolo("yolo11s", "Ultralytics/YOLO11", "365ed86341e7a7456dbc4cafc09f138814ce9ff1", 19 * _MB),
    _yolo(
        "yolo11n",
        "Ultralytics/YOLO11",
        "365ed86341e7a7456dbc4cafc09f138814ce9ff1",
        6 * _MB,
        "0ebbc80d4a7680d14987a577cd21342b65ecfd94632bd9a8da63ae6417644ee1",
    ),
)

ONNX_DETECTORS: tuple[Weights, ...] = (_yolox("yolox_m", 101 * _MB), _yolox("yolox_s", 36 * _MB))

RERANKERS: tuple[Weights, ...] = (
    Weights(
        "bge-reranker-v2-m3",
        (
            Part(
                "BAAI/bge-reranker-v2-m3",
                required=RERANKER_FILES,
                optional=(*TOKENIZER_FILES, "sentencepiece.bpe.model"),
            ),
        ),
        2_290 * _MB,
        "Apache-2.0",
    ),
    Weights(
        "ms-marco-MiniLM-L6-v2",
        (Part("cross-encoder/ms-marco-MiniLM-L6-v2", required=RERANKER_FILES, optional=TOKENIZER_FILES),),
        91 * _MB,
        "Apache-2.0",
    ),
)
"""Judges of a query and a text: one for many languages, one small one for English."""

VLMS: tuple[Weights, ...] = (
    _vlm("Qwen3-VL-2B", "Qwen/Qwen3-VL-2B-Instruct", "89644892e4d85e24eaac8bacfd4f463576704203", 4_276 * _MB),
    _vlm(
        "Qwen2.5-VL-3B",
        "Qwen/Qwen2.5-VL-3B-Instruct",
        "66285546d2b821cf421d4f5eb2576359d3770cd3",
        7_521 * _MB,
        licence="Qwen Research, non-commercial",
    ),
    _vlm(
        "SmolVLM2-500M",
        "HuggingFaceTB/SmolVLM2-500M-Video-Instruct",
        "7b375e1b73b11138ff12fe22c8f2822d8fe03467",
        2_036 * _MB,
        modules=("num2words",),
    ),
)
