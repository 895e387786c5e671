"""Settings as a user meets them: three sources in order, unknown names refused with the nearest known one."""

from __future__ import annotations

from pathlib import Path

import pytest

from reelseek.errors import SettingsError
from reelseek.settings import Settings, as_environment, known_names, load_settings


def write_config(folder: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = folder / "reelseek.toml"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("REELSEEK_CONFIG", str(path))
    return path


def test_flags_win_over_the_environment_which_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(tmp_path, "[web]\nport = 1\nthreads = 3\nhost = '127.0.0.2'\n", monkeypatch)
    monkeypatch.setenv("REELSEEK_WEB__PORT", "2")
    monkeypatch.setenv("REELSEEK_WEB__THREADS", "4")
    web = load_settings({"web": {"port": 5}}).web
    assert (web.port, web.threads, web.host) == (5, 4, "127.0.0.2")


def test_a_data_folder_carries_settings_between_the_user_s_file_and_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "library"
    folder.mkdir()
    (folder / "reelseek.toml").write_text("[web]\nport = 3\nthreads = 3\nhost = '127.0.0.3'\n", encoding="utf-8")
    write_config(tmp_path, f"data = '{folder}'\n[web]\nport = 1\n[query]\nk = 7\n", monkeypatch)
    monkeypatch.delenv("REELSEEK_DATA")
    monkeypatch.setenv("REELSEEK_WEB__THREADS", "4")
    settings = load_settings({"web": {"host": "127.0.0.5"}})
    web = settings.web
    assert (web.host, web.threads, web.port, settings.query.k) == ("127.0.0.5", 4, 3, 7)
    assert load_settings({"data": tmp_path}).web.port == 1, "another data folder is not bound by it"


def test_the_settings_of_a_data_folder_can_be_the_user_s_own_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(tmp_path, f"data = '{tmp_path}'\n[query]\nk = 7\n", monkeypatch)
    monkeypatch.delenv("REELSEEK_DATA")
    assert load_settings().query.k == 7


def test_the_settings_of_a_data_folder_cannot_name_another_one(tmp_path: Path) -> None:
    (tmp_path / "reelseek.toml").write_text("data = '/elsewhere'\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="data folder's own"):
        load_settings({"data": tmp_path})


def test_the_file_in_the_current_folder_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "reelseek.toml").write_text("[query]\nk = 7\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert load_settings().query.k == 7


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[web]\nprot = 1\n", "web.port"),
        ("[engine]\nspeech = 'off'\n", "engines"),
        ("dta = '/x'\n", "data"),
    ],
)
def test_an_unknown_name_in_the_file_is_refused_with_the_nearest_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, told: str
) -> None:
    write_config(tmp_path, text, monkeypatch)
    with pytest.raises(SettingsError, match=told):
        load_settings()


def test_an_unknown_name_in_the_environment_is_refused_with_the_nearest_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELSEEK_ENGINES__SPEACH", "off")
    with pytest.raises(SettingsError, match="REELSEEK_ENGINES__SPEECH"):
        load_settings()


def test_an_unknown_flag_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"ingest\.sample_fps"):
        load_settings({"ingest": {"sampel_fps": "1"}})


def test_a_value_that_does_not_fit_is_told_with_its_name() -> None:
    with pytest.raises(SettingsError, match=r"web\.port.*99999"):
        load_settings({"web": {"port": 99999}})


def test_broken_toml_is_told_with_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_config(tmp_path, "[web\n", monkeypatch)
    with pytest.raises(SettingsError, match=path.name):
        load_settings()


def test_a_settings_file_that_is_named_must_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELSEEK_CONFIG", str(tmp_path / "none.toml"))
    with pytest.raises(SettingsError, match=r"none\.toml"):
        load_settings()


def test_a_child_process_gets_the_same_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings({"data": tmp_path, "web": {"port": 1234}, "engines": {"speech": "off"}})
    for name, value in as_environment(settings).items():
        monkeypatch.setenv(name, value)
    assert load_settings() == settings


def test_every_setting_says_what_it_is() -> None:
    assert all(field.description for _, field in known_names())
    assert isinstance(load_settings(), Settings)
