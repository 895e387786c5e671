"""What the global flags mean: the settings of this call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from reelseek.errors import SettingsError
from reelseek.settings import Settings, load_settings


def settings_of(context: typer.Context, overrides: dict[str, Any] | None = None) -> Settings:
    """The settings of this call: file, environment, the global flags, then a command's own flags.

    Args:
        context: the command's context; the global flags are kept in its root.
        overrides: a command's own flags as `{"web": {"port": 1}}`; None values are left out.

    Raises:
        SettingsError: a name is unknown or a value does not fit.
    """
    flags: dict[str, Any] = dict(context.find_root().obj or {})
    for group, values in (overrides or {}).items():
        given = {name: value for name, value in values.items() if value is not None}
        if given:
            flags[group] = {**flags.get(group, {}), **given}
    return load_settings(flags)


def global_flags(data: Path | None, assignments: list[str]) -> dict[str, Any]:
    """The global flags as overrides: `--data DIR` and every `--set group.name=value`.

    Raises:
        SettingsError: an assignment has no `=`.
    """
    flags: dict[str, Any] = {}
    for assignment in assignments:
        name, separator, value = assignment.partition("=")
        if not separator or not name.strip():
            raise SettingsError(f"--set {assignment!r} is no assignment.", hint="Write --set group.name=value.")
        *groups, last = name.strip().split(".")
        target = flags
        for group in groups:
            target = target.setdefault(group, {})
        target[last] = value.strip()
    if data is not None:
        flags["data"] = data
    return flags
