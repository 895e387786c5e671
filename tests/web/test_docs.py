from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from tests.support.web import SmallLibrary, live_server

ROOT = Path(__file__).resolve().parents[2]


def operations(client: FlaskClient) -> set[tuple[str, str]]:
    paths = client.get("/api/openapi.json").json["paths"]
    return {(method.upper(), path) for path, methods in paths.items() for method in methods}


def test_the_description_is_valid_openapi_3_1(client: FlaskClient) -> None:
    spec = client.get("/api/openapi.json").json
    assert spec["openapi"].startswith("3.1")
    validate(spec, cls=OpenAPIV31SpecValidator)


def test_every_operation_says_what_it_does_and_how_it_fails(client: FlaskClient) -> None:
    spec = client.get("/api/openapi.json").json
    seen = set()
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            assert len(operation["summary"]) > 10, (method, path)
            assert operation["operationId"] not in seen
            seen.add(operation["operationId"])
            for status, answer in operation["responses"].items():
                if status.startswith(("4", "5")) or status == "default":
                    assert list(answer["content"]) == ["application/problem+json"], (method, path, status)


def test_every_reference_of_the_description_leads_somewhere(client: FlaskClient) -> None:
    response = client.get("/api/openapi.json")
    schemas = response.json["components"]["schemas"]
    for name in re.findall(r'"#/components/schemas/([^"]+)"', response.text):
        assert name in schemas


def test_every_route_of_the_api_is_described(client: FlaskClient) -> None:
    described = operations(client)
    for rule in client.application.url_map.iter_rules():
        if rule.endpoint.startswith(("api.", "health.")):
            path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                assert (method, path) in described


def test_the_manual_lists_exactly_the_endpoints_of_the_app(client: FlaskClient) -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(GET|POST|PUT|PATCH|DELETE) (/[^`?]*)`", text, re.MULTILINE))
    assert listed == operations(client)


def test_the_page_of_the_api_shows_every_operation_and_needs_no_other_server(client: FlaskClient) -> None:
    page = client.get("/api/docs").text
    for method, path in operations(client):
        assert re.search(rf"{method}</span>\s*<code>{re.escape(path)}</code>", page), (method, path)
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


def test_the_manuals_example_in_python_runs_as_it_stands(
    small_library: SmallLibrary, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    code = re.search(r"```python\n(.+?)```", text, re.DOTALL)
    assert code
    with live_server(small_library.settings) as url:
        asked = code[1].replace("http://127.0.0.1:8700", url).replace("red circle", "quicksort pivot")
        exec(compile(asked, "docs/api.md", "exec"), {})
    assert re.search(r"\d+% A lecture about sorting 6\.0-", capsys.readouterr().out)
