"""The web application: API, pages, health, documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apiflask import APIBlueprint, APIFlask
from werkzeug.routing import BaseConverter, IntegerConverter

from reelseek import __version__
from reelseek.records import JsonObject
from reelseek.settings import Settings
from web import api, auth, docs, errors, metrics, pages, present, refining, uploads
from web.backend import Backend, attach, backend
from web.pictures import MAX_BYTES
from web.schemas import HealthOut

if TYPE_CHECKING:
    from query.service import QueryService


_NOBODY = "0" * 32


class VideoIdConverter(BaseConverter):
    """The identity of a video; anything else is no address of ours."""

    regex = "[0-9a-f]{32}"


class NumberConverter(IntegerConverter):
    """A row's number; more digits than a database takes are no address of ours."""

    regex = r"\d{1,9}"


class SheetConverter(BaseConverter):
    """The name of a storyboard's sheet."""

    regex = r"storyboard(?:-\d{1,5})?\.jpg"


def create_app(settings: Settings, service: QueryService | None = None) -> APIFlask:
    """Make the application.

    Args:
        settings: as loaded.
        service: a ready query service; None opens one when it is first needed.
    """
    app = APIFlask("web", title="Reelseek", version=__version__, spec_path=None, docs_path=None)
    app.request_class = uploads.request_class(settings)
    app.config.update(MAX_CONTENT_LENGTH=MAX_BYTES, MAX_FORM_PARTS=50)
    app.url_map.converters["video"] = VideoIdConverter
    app.url_map.converters["number"] = NumberConverter
    app.url_map.converters["sheet"] = SheetConverter
    attach(app, Backend(settings, service))
    errors.install(app)
    present.install(app)
    refining.install(app)
    docs.install(app)
    health = _health()
    metrics.install(app, health)
    auth.install(app, settings)
    app.register_blueprint(api.blueprint())
    app.register_blueprint(health)
    app.register_blueprint(docs.blueprint())
    app.register_blueprint(pages.blueprint())
    return app


def _health() -> APIBlueprint:
    health = APIBlueprint("health", __name__, tag="Health")

    @health.get("/healthz")
    @health.output(HealthOut)
    def alive() -> JsonObject:
        """Tell that the process answers."""
        return {"status": "ok"}

    @health.get("/readyz")
    @health.output(HealthOut)
    @health.doc(responses={503: "The catalogue or the index cannot be read"})
    def ready() -> JsonObject:
        """Tell whether searches can be answered: catalogue and index can be read."""
        backend().catalogue.count_videos()
        backend().service.segments(_NOBODY)
        return {"status": "ready"}

    return health
