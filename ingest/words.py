"""Words of a text: which of them carry content, and texts as vectors of their words."""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

WORD = re.compile(r"[^\W\d_][\w'’-]*")

_COMMON_WORDS = """
    a about above across actually after again against ago ah all almost along already alright also although always am
    among an and another any anybody anyone anything anyway are aren't around as at away back basically be because
    become been before behind being below best better between big bit both but by bye came can can't cannot certain
    certainly come comes coming could couldn't course did didn't different do does doesn't doing don't done down each
    eh eight either else enough er erm especially etc even ever every everybody everyone everything exactly example
    far few fifty find fine first five for forty four from full further gave get gets getting give given gives giving
    go goes going gone gonna good got gotta great guess guys had hadn't hah happen happens hard has hasn't have
    haven't having he he's hello her here here's hers hey hi him himself his hmm how however huh hundred i i'd i'll
    i'm i've idea if in indeed instead into is isn't it it'd it'll it's its itself just keep kept kind knew know known
    knows last later least less let let's like little long look looked looking looks lot lots made mainly make makes
    making many matter may maybe me mean means mhm might million mind mm mm-hmm mmm more most mostly much must my
    myself need needed needs never new next nice nine no nobody none nope nor not nothing now obviously of off often
    oh ok okay on once one ones only onto or other others otherwise ought our ours out over own part people perhaps
    person place please point possible probably put puts quite rather really right said same saw say saying says
    second see seem seems seen seven several shall she she's should shouldn't show shown shows simply since six so
    some somebody somehow someone something sometimes somewhere soon sorry sort start still stuff such sure take taken
    takes taking talk talked talking tell ten than thank thanks that that'd that'll that's the their theirs them
    themselves then there there's therefore these they they'd they'll they're they've thing things think thinking
    thirty this those though thought thousand three through time times to today together told tomorrow too took toward
    tried tries true try trying twenty two uh uh-huh uhm um under unless until up upon us use used uses using usually
    various very via wanna want wanted wants was wasn't way ways we we'd we'll we're we've well went were weren't what
    what's whatever when where where's whether which while who who's whole whom whose why will with within without
    won't work working would wouldn't wow yeah year years yep yes yesterday yet you you'd you'll you're you've your
    yours yourself
"""
COMMON = frozenset(_COMMON_WORDS.split())
"""English words without content of their own, and what is only said while thinking."""

_HASHED, _LATENT = 1024, 12


def content_words(text: str) -> list[str]:
    """The words of a text that can carry its topic, in lower case, in order."""
    found = (word.casefold().replace("’", "'").strip("'-") for word in WORD.findall(text))
    return [word for word in found if len(word) > 2 and word not in COMMON]


def word_vectors(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Texts as vectors of their words, `(n, 12)`.

    Tf-idf, hashed with a sign so that memory is bounded (Weinberger et al. 2009), then latent semantic analysis over
    these texts, which makes words of one topic alike (for segmentation: Choi, Wiemer-Hastings and Moore 2001).
    """
    counts = [Counter(content_words(text)) for text in texts]
    spread = Counter(word for found in counts for word in found)
    vectors = np.zeros((len(texts), _HASHED), np.float32)
    for row, found in enumerate(counts):
        for word, number in found.items():
            digest = int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=4).digest(), "big")
            rarity = math.log((1 + len(texts)) / (1 + spread[word])) + 1
            sign = 1.0 if digest & 1 else -1.0
            vectors[row, (digest >> 1) % _HASHED] += sign * (1 + math.log(number)) * rarity
    _, directions = np.linalg.eigh(vectors.T @ vectors)
    latent: npt.NDArray[np.float32] = vectors @ directions[:, -_LATENT:]
    return latent
