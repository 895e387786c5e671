"""The conformance suite of re-ranking engines, over real checkpoints of their format."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from engines.cross_encoder import CrossEncoderEngine
from engines.protocols import RerankEngine
from engines.pull import wanted
from engines.registry import Engines
from engines.resolution import resolve
from reelseek.errors import EngineUnavailable
from reelseek.setting_groups import EngineSettings
from reelseek.settings import load_settings
from tests.support.checkpoints import ref
from tests.support.conformance import at_once, carries_identity, without
from tests.support.rerank_checkpoint import write_cross_encoder

SETTINGS = EngineSettings(threads=1, batch_size=3, device="cpu")
REF = ref("cross-encoder:tiny", note="a note")
TEXTS = ["the bread is in the oven", "", "a red car", "naïve — 日本語 \n\t mixed", "bus " * 400]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_cross_encoder(tmp_path_factory.mktemp("rerank") / "tiny")


@pytest.fixture(scope="module", params=[1, 2])
def engine(request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> RerankEngine:
    if request.param == 2:
        folder = write_cross_encoder(tmp_path_factory.mktemp("rerank") / "two", labels=2)
    return CrossEncoderEngine(REF, folder, SETTINGS)


class TestConformance:
    def test_protocol_and_identity(self, engine: RerankEngine) -> None:
        assert isinstance(engine, RerankEngine)
        carries_identity(engine, REF)

    def test_a_score_for_each_text_in_order(self, engine: RerankEngine) -> None:
        scores = engine.scores("bread oven", TEXTS)
        assert len(scores) == len(TEXTS)
        assert engine.scores("bread oven", []) == []
        assert scores[0] > max(scores[1:3])

    def test_what_answers_scores_higher(self, engine: RerankEngine) -> None:
        scores = engine.scores("red car", ["blue bus bridge", "a red car on the bridge", "dough and flour"])
        assert scores[1] > max(scores[0], scores[2]) + 1.0

    def test_a_batch_scores_as_each_text_alone(self, engine: RerankEngine) -> None:
        together = engine.scores("red car", TEXTS)
        alone = [engine.scores("red car", [text])[0] for text in TEXTS]
        assert together == pytest.approx(alone, abs=1e-4)

    def test_texts_of_any_length(self, engine: RerankEngine) -> None:
        assert len(engine.scores("red " * 500, ["car " * 500])) == 1

    def test_threads_may_share_it(self, engine: RerankEngine) -> None:
        calls = [lambda: engine.scores("red car", TEXTS) for _ in range(4)]
        first, *others = at_once(calls)
        assert all(other == pytest.approx(first, abs=1e-5) for other in others)


def test_the_library_that_made_the_format_scores_the_same(folder: Path) -> None:
    from sentence_transformers import CrossEncoder
    from torch.nn import Identity

    theirs = CrossEncoder(str(folder), activation_fn=Identity(), device="cpu", local_files_only=True)
    pairs = [("red car", text) for text in TEXTS[:3]]
    ours = CrossEncoderEngine(REF, folder, SETTINGS).scores("red car", TEXTS[:3])
    assert ours == pytest.approx([float(value) for value in theirs.predict(pairs)], abs=1e-4)


def test_bad_weights_are_told_in_one_sentence(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="do not exist"):
        CrossEncoderEngine(REF, tmp_path / "nowhere", SETTINGS)
    with pytest.raises(EngineUnavailable, match="7 classes"):
        CrossEncoderEngine(REF, write_cross_encoder(tmp_path / "seven", fitted=False, labels=7), SETTINGS)
    broken = tmp_path / "broken"
    shutil.copytree(folder, broken)
    (broken / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(EngineUnavailable, match="cannot be loaded"):
        CrossEncoderEngine(REF, broken, SETTINGS)


def test_without_its_library_the_extra_is_named() -> None:
    said = without(
        ["transformers"],
        "from engines.cross_encoder import CrossEncoderEngine\n"
        "CrossEncoderEngine(EngineRef('cross-encoder:x', 'f'), Path('/'), EngineSettings())",
    )
    assert "UNAVAILABLE" in said
    assert "reelseek[sentence]" in said


def test_it_is_off_until_it_is_asked_for_and_then_auto_takes_what_is_there(folder: Path, tmp_path: Path) -> None:
    settings = load_settings({"data": tmp_path})
    place = settings.models_path / "rerank" / "cross-encoder" / "ms-marco-MiniLM-L6-v2"
    shutil.copytree(folder, place)
    found = resolve("rerank", settings)
    assert (found.state, found.missed) == ("off", False)
    assert Engines(settings).reranker() is None
    asked = load_settings({"data": tmp_path, "engines": {"rerank": "auto", "device": "cpu"}})
    with Engines(asked) as engines:
        assert engines.ref("rerank").id == "cross-encoder:ms-marco-MiniLM-L6-v2"  # type: ignore[union-attr]
        assert engines.reranker().scores("red car", ["red car"])  # type: ignore[union-attr]
    shutil.rmtree(place)
    missing = resolve("rerank", asked)
    assert missing.missed
    assert missing.fix == "reelseek models pull cross-encoder:ms-marco-MiniLM-L6-v2"


def test_nothing_is_pulled_for_it_unless_it_is_named(tmp_path: Path) -> None:
    settings = load_settings({"data": tmp_path})
    assert "cross-encoder" not in {spec.family.name for spec in wanted([], settings)}
    assert [spec.label for spec in wanted(["rerank"], settings)] == ["cross-encoder:ms-marco-MiniLM-L6-v2"]
    assert [spec.label for spec in wanted(["cross-encoder:bge-reranker-v2-m3"], settings)] == [
        "cross-encoder:bge-reranker-v2-m3"
    ]
