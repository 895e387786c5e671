"""Write the tables in docs/ that state facts of the code: settings and commands.

`--check` changes nothing and exits 1 when a table is not what the code says.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from pydantic_core import PydanticUndefined

from reelseek.settings import ENV_PREFIX, known_names

ROOT = Path(__file__).resolve().parent.parent


def settings_table() -> str:
    rows = ["| setting | environment | default | what it is |", "| --- | --- | --- | --- |"]
    for name, field in known_names():
        environment = ENV_PREFIX + name.upper().replace(".", "__")
        default = "the user's data folder" if field.default is PydanticUndefined else repr(field.default)
        shown = "" if default == "''" else f"`{default}`" if default[0] != "t" else default
        rows.append(f"| `{name}` | `{environment}` | {shown} | {field.description} |")
    return "\n".join(rows)


def commands_text() -> str:
    from cli.commands import app

    command = typer.main.get_command(app)
    context = command.make_context("reelseek", [], resilient_parsing=True)
    return "\n\n".join(_command_sections(command, context, "reelseek"))


def _command_sections(command: Any, context: Any, path: str) -> Iterator[str]:
    if command.hidden:
        return
    lines = [f"### `{path}`", "", (command.help or "").strip(), ""]
    options = []
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context) if parameter.param_type_name == "option" else None
        if record and "--help" not in record[0]:
            options.append(f"| `{record[0]}` | {record[1]} |".replace("[default: ", "(default ").replace("]", ")"))
        elif parameter.param_type_name == "argument":
            options.append(f"| `{parameter.name}` | {getattr(parameter, 'help', '') or ''} |")
    if options:
        lines += [
            "| argument or option | what it does |",
            "| --- | --- |",
            *(row.replace("\n", " ") for row in options),
        ]
    yield "\n".join(lines).rstrip()
    for name in getattr(command, "commands", {}):
        sub = command.commands[name]
        sub_context = sub.make_context(name, [], parent=context, resilient_parsing=True)
        yield from _command_sections(sub, sub_context, f"{path} {name}")


TABLES = {"docs/configuration.md": settings_table, "docs/commands.md": commands_text}


def rewrite(text: str, table: str) -> str:
    """Replace what stands between the two markers."""
    head, begin, rest = text.partition("<!-- made by scripts/docs_tables.py -->\n")
    _, end, tail = rest.partition("<!-- end -->")
    if not begin or not end:
        raise SystemExit("the markers are missing")
    return f"{head}{begin}\n{table}\n\n{end}{tail}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when a table is out of date")
    wanted = parser.parse_args()
    stale = []
    for name, make in TABLES.items():
        path = ROOT / name
        old = path.read_text(encoding="utf-8")
        new = rewrite(old, make())
        if new != old:
            stale.append(name)
            if not wanted.check:
                path.write_text(new, encoding="utf-8")
    if stale and wanted.check:
        print("out of date, run `python scripts/docs_tables.py`: " + ", ".join(stale), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
