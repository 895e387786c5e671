"""Queries in other languages than English: found where the words are, and nothing found where they are not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from query.service import SearchRequest
from query.texts.languages import language_of
from query.texts.words import STOP_WORDS, content_terms, tokens
from reelseek.settings import load_settings
from tests.query.conftest import NO_MODELS
from tests.support.query_world import COOKING, LECTURE, MEETING, Film, World


def spoken(name: str, language: str, *lines: str) -> Film:
    said = tuple((10.0 * at + 5, 10.0 * at + 12, line) for at, line in enumerate(lines))
    return Film(name, 100.0, said=said, language=language)


HIKE = spoken(
    "Wanderung im Herbst.mp4",
    "de",
    "Wir wandern heute auf den Gipfel des Berges.",
    "Die Aussicht auf den See ist herrlich.",
    "Am Abend kochen wir eine Suppe mit Pilzen.",
    "Der Förster erklärt, warum die Fichten sterben.",
    "Morgen fahren wir mit dem Zug nach Hause.",
    "Die Hütte wurde vor hundert Jahren gebaut.",
)
MARKET = spoken(
    "Le marché.mp4",
    "fr",
    "Le marché ouvre à six heures du matin.",
    "Le boulanger vend du pain et des croissants.",
    "Les pommes de Normandie sont très sucrées.",
    "Le poissonnier parle de la tempête de la semaine dernière.",
)
WORKSHOP = spoken(
    "Taller.mp4",
    "es",
    "Primero cortamos la madera con la sierra.",
    "Después lijamos la superficie de la mesa.",
    "El barniz tarda dos horas en secarse.",
)
CLASS = spoken("讲座.mp4", "zh", "今天我们学习机器学习的基础知识。", "梯度下降是一种优化算法。", "明天我们去爬山。")
LAKE = spoken("Озеро.mp4", "ru", "Сегодня мы говорим о погоде на севере.", "Зимой озеро замерзает полностью.")


@pytest.fixture(scope="module")
def tongues(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("tongues")
    films = [HIKE, MARKET, WORKSHOP, CLASS, LAKE, COOKING, LECTURE, MEETING]
    world = World(load_settings({"data": folder / "data", "engines": NO_MODELS}), folder / "films", films)
    yield world
    world.close()


@pytest.mark.parametrize(
    ("query", "film", "start"),
    [
        ("Wo ist die Rede von der Aussicht auf den See?", HIKE, 15.0),
        ("Warum sterben die Fichten?", HIKE, 35.0),
        ("wandern auf den Gipfel", HIKE, 5.0),
        ("Suppe mit Pilzen", HIKE, 25.0),
        ("Wann wurde die Hütte gebaut?", HIKE, 55.0),
        ("À quelle heure ouvre le marché ?", MARKET, 5.0),
        ("le boulanger vend du pain", MARKET, 15.0),
        ("Que dit le poissonnier sur la tempête ?", MARKET, 35.0),
        ("cuánto tarda el barniz en secarse", WORKSHOP, 25.0),
        ("梯度下降", CLASS, 15.0),
        ("机器学习", CLASS, 5.0),
        ("озеро замерзает", LAKE, 15.0),
        ("how hot should the oven be?", COOKING, 40.0),
    ],
)
def test_a_query_finds_text_in_its_language(tongues: World, query: str, film: Film, start: float) -> None:
    result = tongues.service.search(SearchRequest(query))
    assert result.moments, result.near_misses
    assert (result.moments[0].video_id, result.moments[0].start) == (film.video_id, start)


@pytest.mark.parametrize(
    "query",
    [
        "Die Fußballmannschaft gewinnt den Pokal",
        "Wo wird über Steuern gesprochen?",
        "Wie funktioniert das und was ist der Grund für die Sache?",
        "la guerre de cent ans",
        "¿Dónde está el hospital?",
        "量子力学",
        "火星探测器",
        "самолёт летит в Париж",
    ],
)
def test_sentences_of_one_language_are_not_all_alike(tongues: World, query: str) -> None:
    assert tongues.service.search(SearchRequest(query)).moments == ()


def test_a_sequence_in_another_language(tongues: World) -> None:
    moment = tongues.service.search(SearchRequest("Gipfel then said:(Suppe mit Pilzen) then Fichten")).moments[0]
    assert [stage.start for stage in moment.stages] == [5.0, 25.0, 35.0]


@pytest.mark.parametrize(
    ("query", "language"),
    [
        ("people die in a fire", "en"),
        ("the met museum in Los Angeles", "en"),
        ("MIT lecture on die casting", "en"),
        ("La Traviata", "en"),
        ("red car", "en"),
        ("to be or not to be", "en"),
        ("Wo wird der Ofen gezeigt?", "de"),
        ("qui parle dans cette scène", "fr"),
        ("quando si parla della pasta", "it"),
        ("wanneer wordt het huis gebouwd", "nl"),
        ("天气", "zh"),
        ("天気はどうですか", "ja"),
        ("날씨", "ko"),
        ("погода", "ru"),
    ],
)
def test_the_language_of_a_query(query: str, language: str) -> None:
    assert language_of(query, tokens(query), STOP_WORDS) == language


def test_function_words_of_the_language_say_nothing() -> None:
    assert content_terms("Wo ist die Rede von der Aussicht?") == ("aussicht",)
    assert content_terms("people die in a fire") == ("peopl", "die", "fir")
    assert content_terms("der die das"), "something always remains"
