"""The OpenAPI description and the page that shows it, without anything from another server."""

from __future__ import annotations

from typing import Any, cast

from apiflask import APIBlueprint, APIFlask
from flask import Response, current_app, jsonify, render_template

from web.errors import MIMETYPE, PROBLEM_SCHEMA
from web.example_schemas import ExampleQuery

DESCRIPTION = (
    "Search a library of videos by what is seen, said, written and present in them. Times are seconds. "
    "Errors are problem+json (RFC 9457)."
)
_PROBLEM = {"$ref": "#/components/schemas/Problem"}


def install(app: APIFlask) -> None:
    """Say what the description of `app` holds beside its routes."""
    app.description = DESCRIPTION
    app.config.update(
        OPENAPI_VERSION="3.1.0",
        AUTO_SERVERS=False,
        AUTO_OPERATION_ID=True,
        HTTP_ERROR_SCHEMA=PROBLEM_SCHEMA,
        VALIDATION_ERROR_SCHEMA=PROBLEM_SCHEMA,
        SECURITY_SCHEMES={
            "ApiKey": {
                "type": "http",
                "scheme": "bearer",
                "description": "Needed once an API key exists, and always on any address but loopback.",
            }
        },
    )
    app.spec_processor(_finish)


def blueprint() -> APIBlueprint:
    """The description and its page."""
    found = APIBlueprint("docs", __name__, url_prefix="/api", enable_openapi=False)

    @found.get("/openapi.json")
    def description() -> Response:
        """Send the OpenAPI description."""
        return jsonify(_spec())

    @found.get("/docs")
    def page() -> str:
        """Show the OpenAPI description."""
        return render_template("docs.html", spec=_spec(), operations=operations(_spec()), resolve=_resolver(_spec()))

    return found


def operations(spec: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """Every operation as `(METHOD, path, operation)`, by path."""
    return [
        (method.upper(), path, operation)
        for path, methods in sorted(spec["paths"].items())
        for method, operation in methods.items()
    ]


def _spec() -> dict[str, Any]:
    return cast(dict[str, Any], cast(APIFlask, current_app).spec)


def _resolver(spec: dict[str, Any]) -> Any:
    def resolve(schema: dict[str, Any]) -> dict[str, Any]:
        """The schema that a reference names."""
        name = str(schema.get("$ref", "")).rpartition("/")[2]
        return cast(dict[str, Any], spec["components"]["schemas"].get(name, schema))

    return resolve


def _finish(spec: Any) -> Any:
    """Make of the framework's description ours: one problem schema, sent as problem+json, path parameters required."""
    schemas = spec.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM_SCHEMA
    spec["security"] = [{}, {"ApiKey": []}]
    as_json = ExampleQuery.model_json_schema(ref_template="#/components/schemas/{model}")
    for name, schema in as_json.pop("$defs", {}).items():
        schemas.setdefault(name, schema)
    spec["paths"]["/api/v1/search"]["post"]["requestBody"]["content"]["application/json"] = {"schema": as_json}
    for methods in spec["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                if parameter["in"] == "path":
                    parameter["required"] = True
                    if parameter["name"] == "video_id":
                        parameter["schema"] = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
                    elif parameter["name"] != "name":
                        parameter["schema"] = {"type": "integer", "minimum": 0}
            for status, answer in operation["responses"].items():
                if status.startswith(("4", "5")):
                    answer["content"] = {MIMETYPE: {"schema": _PROBLEM}}
            operation["responses"].setdefault(
                "default", {"description": "Any other error", "content": {MIMETYPE: {"schema": _PROBLEM}}}
            )
    return spec
