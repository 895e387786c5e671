"""Settings: the user's `reelseek.toml`, over it the data folder's own, over it the environment, over it the flags."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import BaseModel, Field, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from reelseek.errors import SettingsError
from reelseek.setting_groups import (
    EngineSettings,
    ExportSettings,
    FetchSettings,
    IndexSettings,
    IngestSettings,
    LiveSettings,
    NotifySettings,
    QuerySettings,
    StorageSettings,
    WebSettings,
    WorkerSettings,
)

ENV_PREFIX = "REELSEEK_"
CONFIG_VARIABLE = "REELSEEK_CONFIG"
CONFIG_NAME = "reelseek.toml"
_NOT_SETTINGS = frozenset({CONFIG_VARIABLE, "REELSEEK_API_KEY"})
"""Environment names of ours that are no settings: where the file is, and the client's own key."""


def default_data() -> Path:
    """The data folder where none is named: in the user's own folder for data."""
    return Path(platformdirs.user_data_dir("reelseek", appauthor=False))


class Settings(BaseSettings):
    """Everything that can be set. `reelseek doctor` shows where each value came from."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_nested_delimiter="__", extra="forbid", validate_default=True
    )

    data: Path = Field(
        default_factory=default_data,
        description="the data folder: catalogue, artefacts, index, weights",
    )
    artefacts: str = Field("", description="where artefacts go (path or fsspec URL); empty: in the data folder")
    database: str = Field("", description="SQLAlchemy URL of the catalogue; empty: SQLite in the data folder")
    engines: EngineSettings = Field(default_factory=EngineSettings)
    ingest: IngestSettings = Field(default_factory=IngestSettings)
    index: IndexSettings = Field(default_factory=IndexSettings)
    query: QuerySettings = Field(default_factory=QuerySettings)
    workers: WorkerSettings = Field(default_factory=WorkerSettings)
    storage: StorageSettings = Field(default_factory=StorageSettings)
    web: WebSettings = Field(default_factory=WebSettings)
    export: ExportSettings = Field(default_factory=ExportSettings)
    live: LiveSettings = Field(default_factory=LiveSettings)
    fetch: FetchSettings = Field(default_factory=FetchSettings)
    notify: NotifySettings = Field(default_factory=NotifySettings)

    @field_validator("data")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @property
    def database_url(self) -> str:
        """The catalogue's SQLAlchemy URL."""
        return self.database or f"sqlite:///{self.data / 'catalogue.sqlite3'}"

    @property
    def artefacts_url(self) -> str:
        """The artefact store, a path or an fsspec URL."""
        return self.artefacts or str(self.data / "artefacts")

    @property
    def index_path(self) -> Path:
        """The folder of the LanceDB tables."""
        return self.data / "index"

    @property
    def models_path(self) -> Path:
        """The folder of pulled weights."""
        return self.data / "models"

    @property
    def uploads_path(self) -> Path:
        """The folder of uploaded and fetched videos."""
        return self.data / "uploads"

    @property
    def clips_path(self) -> Path:
        """The folder of clips that were cut for the page and the API."""
        return self.data / "clips"

    @property
    def page_url(self) -> str:
        """The address of the page without a slash at its end, as links in exports have it."""
        if self.web.public_url:
            return self.web.public_url.rstrip("/")
        host = "127.0.0.1" if self.web.host in ("", "0.0.0.0", "::") else self.web.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.web.port}"

    @property
    def live_path(self) -> Path:
        """The folder of recordings."""
        return Path(self.live.folder).expanduser().absolute() if self.live.folder else self.data / "live"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 (a signature of the library)
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags win over the environment, which wins over the data folder's file, which wins over the user's."""
        return init_settings, env_settings, _FolderSource(settings_cls), _UserSource(settings_cls)


class _UserSource(PydanticBaseSettingsSource):
    """The values of the user's `reelseek.toml`."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        path = config_file()
        return read_config(path) if path else {}


class _FolderSource(_UserSource):
    """The values of the `reelseek.toml` in the data folder, which flags, environment or the user's file name."""

    def __call__(self) -> dict[str, Any]:
        user = super().__call__()
        named = self.current_state.get("data") or user.get("data")
        data = Path(named) if isinstance(named, str | Path) else default_data()
        path = folder_config_file(data.expanduser())
        return read_folder_config(path) if path else {}


def config_file() -> Path | None:
    """The user's file: `$REELSEEK_CONFIG`, else `./reelseek.toml`, else the one in the user's config folder."""
    if named := os.environ.get(CONFIG_VARIABLE):
        path = Path(named).expanduser()
        if not path.is_file():
            raise SettingsError(f"The settings file {path} does not exist.", hint=f"{CONFIG_VARIABLE} names it.")
        return path
    for path in (
        Path(CONFIG_NAME),
        Path(platformdirs.user_config_dir("reelseek", appauthor=False)) / CONFIG_NAME,
    ):
        if path.is_file():
            return path
    return None


def folder_config_file(data: Path) -> Path | None:
    """The settings that a data folder carries, so that every command on it runs with what it was made with.

    None where it has none, and where the user's file is that very file.
    """
    path, user = data / CONFIG_NAME, config_file()
    return path if path.is_file() and (user is None or not user.samefile(path)) else None


def read_folder_config(path: Path) -> dict[str, Any]:
    """Read the settings file of a data folder.

    Raises:
        SettingsError: as in `read_config`; or it names another data folder.
    """
    config = read_config(path)
    if "data" in config:
        raise SettingsError(f"The settings file {path} is a data folder's own: it cannot name another in `data`.")
    return config


def read_config(path: Path) -> dict[str, Any]:
    """Read a settings file.

    Raises:
        SettingsError: it is no TOML, or cannot be read.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"The settings file {path} cannot be read: {error}") from error


def known_names(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every setting as `group.name`, with its field."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from known_names(kind, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def load_settings(overrides: Mapping[str, Any] | None = None) -> Settings:
    """Read the settings; `overrides` are the flags, `{"web": {"port": 1}}`.

    Raises:
        SettingsError: a name is unknown (the nearest known one is told) or a value does not fit.
    """
    _refuse_unknown_environment()
    try:
        return Settings(**(overrides or {}))
    except ValidationError as error:
        raise SettingsError(_explain(error)) from error


def _refuse_unknown_environment() -> None:
    known = {ENV_PREFIX + name.upper().replace(".", "__") for name, _ in known_names()}
    groups = {name.rpartition("__")[0] for name in known if "__" in name}
    for name in os.environ:
        upper = name.upper()
        if upper.startswith(ENV_PREFIX) and upper not in known | groups | _NOT_SETTINGS:
            raise SettingsError(
                f"The environment names an unknown setting, {name}.", hint=_nearest(upper, sorted(known))
            )


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"Did you mean {close[0]}?" if close else "`reelseek doctor --settings` lists them all."


def _explain(error: ValidationError) -> str:
    known = [name for name, _ in known_names()] + list(Settings.model_fields)
    lines = []
    for item in error.errors():
        name = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            lines.append(f"Unknown setting {name}. {_nearest(name, known)}")
        else:
            lines.append(f"Setting {name}: {item['msg']} (got {item['input']!r}).")
    return " ".join(lines)


def as_environment(settings: Settings) -> dict[str, str]:
    """The settings as environment variables, so that a child process runs with exactly the same ones."""
    environment = {}
    for name, _ in known_names():
        value: Any = settings
        for part in name.split("."):
            value = getattr(value, part)
        environment[ENV_PREFIX + name.upper().replace(".", "__")] = str(value)
    return environment
