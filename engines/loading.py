"""What adapters share while they load weights: absent and unreadable ones are told in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reelseek.errors import EngineUnavailable, ReelseekError

TOKENIZER_FILES = (
    "tokenizer.json",
    "vocab.txt",
    "tokenizer.model",
    "vocab.json",
    "sentencepiece.bpe.model",
    "spiece.model",
)


def present(weights: Path | None, what: str) -> Path:
    """The weights, made sure to be on this machine.

    Raises:
        EngineUnavailable: none are named, or the path does not exist.
    """
    if weights is None:
        raise EngineUnavailable(f"No {what} weights are on this machine.", hint="Fetch some: reelseek models pull")
    if not weights.exists():
        raise EngineUnavailable(f"The {what} weights {weights} do not exist.", hint="See: reelseek models")
    return weights


def with_tokenizer(folder: Path) -> Path:
    """The folder, made sure to hold a tokenizer: transformers makes an empty one up where its files are absent.

    Raises:
        EngineUnavailable: it holds none.
    """
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise EngineUnavailable(
            f"The folder {folder} has no tokenizer ({', '.join(TOKENIZER_FILES[:3])}, …).",
            hint="Fetch the whole model: reelseek models pull",
        )
    return folder


@contextmanager
def loading(weights: Path, what: str) -> Iterator[None]:
    """Turn whatever a library raises over bad weights into one readable error.

    Raises:
        EngineUnavailable: the body failed; the message has the path and the first line of the reason.
    """
    try:
        yield
    except ReelseekError:
        raise
    except Exception as error:  # loaders of foreign files raise anything, ONNX Runtime bare Exceptions
        lines = str(error).strip().splitlines()
        reason = f"{lines[0][:200]} ({type(error).__name__})" if lines else type(error).__name__
        raise EngineUnavailable(
            f"The {what} weights {weights} cannot be loaded: {reason}", hint="Check them: reelseek models verify"
        ) from error
