"""What reaches a file or a pipe."""

from __future__ import annotations

import pytest
from rich.table import Table

from cli.output import console


def test_a_wide_table_is_whole_in_a_pipe(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    headings = [f"column {number} of many" for number in range(8)]
    table = Table(*headings)
    table.add_row(*headings)
    console().print(table)
    shown = capsys.readouterr().out
    assert all(heading in shown for heading in headings)
