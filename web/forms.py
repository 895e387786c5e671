"""What the pages' forms have in common: fields that are read, and a sentence on the page that comes next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from flask import redirect, session, url_for
from pydantic import BaseModel, ValidationError
from werkzeug.wrappers import Response as BaseResponse

from reelseek.errors import InvalidRequest

_Form = TypeVar("_Form", bound=BaseModel)


def fields(model: type[_Form], values: Mapping[str, object]) -> _Form:
    """Read a form. Empty fields are fields left out.

    Raises:
        InvalidRequest: a field does not fit.
    """
    known = {name: value for name, value in values.items() if value != "" and name in model.model_fields}
    try:
        return model.model_validate(known)
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidRequest(f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}.") from error


def told(message: str, endpoint: str) -> BaseResponse:
    """Go to a page, which says this at its top."""
    session["message"] = message
    return redirect(url_for(endpoint), 303)
