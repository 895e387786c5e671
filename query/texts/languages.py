"""Which language a query is in, as far as searching must know: its function words, and what is unrelated in it.

A sentence engine that was trained on one language puts all sentences of another close together: so what is chance must
be told by sentences of the query's own language. And what carries nothing in English carries something elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

ENGLISH = "en"

_SCRIPTS = (
    ("ja", re.compile(r"[\u3040-\u30ff]")),
    ("zh", re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff]")),
    ("ko", re.compile(r"[\uac00-\ud7af\u1100-\u11ff]")),
    ("ru", re.compile(r"[\u0400-\u04ff]")),
    ("ar", re.compile(r"[\u0600-\u06ff]")),
)
"""Scripts that tell a language, or one whose sentences an engine takes for much the same."""

_TELLING = {
    "de": """
    der das dem ein eine einen einem einer und oder nicht ist sind wird werden wurde wurden wo wann
    warum wie welche welcher welches auf von vom zum zur uber fur bei aus nach sich wir ihr ich sie auch
    noch heute sagt
    """,
    "fr": """
    une et est sont qui que quoi quand pourquoi comment dans avec aux ce cette ces elle nous vous leur
    leurs ne pas dit parle quel quelle quels quelles
    """,
    "es": """
    una unos unas es que quien cuando donde como cual para sobre esta este estos estas dice habla cuanto
    muy
    """,
    "it": """
    gli una di quando dove perche quale nel nella sul sulla dei degli delle questo questa sono dice
    parla quanto
    """,
    "pt": "uma sao que quem quando onde qual para sobre em das ao nao diz fala quanto muito",
    "nl": "het een wordt werd wie wanneer waar waarom hoe welke voor uit naar niet zegt",
}
"""Function words that neither English nor a name in an English sentence has, folded."""

_MORE = {
    "de": """
    die den des in im am an als war was man es so zu da dass hat haben kann mit rede gesprochen gezeigt
    spricht erklart geht um
    """,
    "fr": "le la les l de des d du un en a au il se son sa ses sur pour par plus on ou y",
    "es": "el la los las de del un a al o y e con en por se lo su sus no son mas hay",
    "it": "lo la i il le un e in a per con del della da si che chi non come",
    "pt": "o os a as de do da dos um e no na se por com como",
    "nl": "de en in is van te er om aan dat die dit op met bij zijn wat over",
    "ru": """
    и в во не на что как где когда почему кто какои какая какие это с со по о об за из у мы вы он она они я
    ты же ли бы к до от для
    """,
    "zh": "的 了 是 在 吗 呢 什 么 谁 哪 怎 我 你 他 她 们 这 那 有 和 就 都 也 很 候",
    "ja": "の は が を に で と も か へ",
}
"""The others, which tell no language; of a script without spaces, characters."""

_FUNCTION: Mapping[str, frozenset[str]] = {
    language: frozenset((_TELLING.get(language, "") + " " + words).split()) for language, words in _MORE.items()
}
_MARKS: Mapping[str, frozenset[str]] = {language: frozenset(words.split()) for language, words in _TELLING.items()}


def language_of(text: str, words: Iterable[str], english: frozenset[str]) -> str:
    """The language of a query, English where nothing tells another.

    Args:
        words: of the text, folded.
        english: function words of English.
    """
    for language, letters in _SCRIPTS:
        if letters.search(text):
            return language
    found = list(words)
    counts = {language: sum(word in marks for word in found) for language, marks in _MARKS.items()}
    best = max(counts, key=lambda language: counts[language])
    return best if counts[best] > sum(word in english for word in found) else ENGLISH


def function_words(language: str) -> frozenset[str]:
    """Words of a language that say nothing of what is looked for, folded; none are known of most."""
    return _FUNCTION.get(language, frozenset())
