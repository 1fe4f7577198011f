"""Where the client finds the service and the token."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from qmtl.client import Config, ConfigError, ConfigWarning, config_path, load_config, save_config


@pytest.fixture
def kept(tmp_path: Path) -> dict[str, str]:
    """An environment whose configuration file names a service and a token."""
    environ = {"XDG_CONFIG_HOME": str(tmp_path)}
    save_config(Config("https://qmtl.example", 'to"ken', "https://events.example"), config_path(environ))
    return environ


def test_without_anything_it_is_the_service_of_make_run(tmp_path: Path) -> None:
    found = load_config(environ={"XDG_CONFIG_HOME": str(tmp_path)})
    assert (found.url, found.token) == ("http://127.0.0.1:8000", None)


def test_what_login_kept_is_used(kept: dict[str, str]) -> None:
    found = load_config(environ=kept)
    assert found == Config("https://qmtl.example", 'to"ken', "https://events.example")


def test_the_file_is_its_owners_alone(kept: dict[str, str]) -> None:
    assert stat.S_IMODE(config_path(kept).stat().st_mode) == 0o600


def test_a_token_that_others_may_read_is_warned_of(kept: dict[str, str]) -> None:
    config_path(kept).chmod(0o644)
    with pytest.warns(ConfigWarning, match=r"others may read it \(mode 644\): chmod 600 .*config\.toml"):
        assert load_config(environ=kept).token == 'to"ken'
    assert (
        load_config(environ={**kept, "QMTL_TOKEN": "other"}).token == "other"
    )  # that of the file is not used


def test_keeping_a_token_mends_the_file(kept: dict[str, str]) -> None:
    config_path(kept).chmod(0o644)
    save_config(Config("https://qmtl.example", "new"), config_path(kept))
    assert stat.S_IMODE(config_path(kept).stat().st_mode) == 0o600


def test_the_environment_goes_before_the_file(kept: dict[str, str]) -> None:
    assert load_config(environ={**kept, "QMTL_TOKEN": "other"}).token == "other"


def test_arguments_go_before_the_environment(kept: dict[str, str]) -> None:
    found = load_config(url="http://here:1/", token="mine", environ={**kept, "QMTL_URL": "http://there"})
    assert (found.url, found.token) == ("http://here:1", "mine")


def test_a_token_is_not_sent_to_another_address_than_its_own(kept: dict[str, str]) -> None:
    found = load_config(environ={**kept, "QMTL_URL": "http://elsewhere.example"})
    assert (found.token, found.stream_url) == (None, None)


@pytest.mark.parametrize("url", ["qmtl.example", "ftp://a", "http://", "http://a:notaport"])
def test_an_address_that_is_none_is_told(url: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not the address"):
        load_config(url=url, environ={"XDG_CONFIG_HOME": str(tmp_path)})


def test_a_broken_file_is_told(kept: dict[str, str]) -> None:
    config_path(kept).write_text("url = ")
    with pytest.raises(ConfigError, match=r"config\.toml"):
        load_config(environ=kept)


def test_a_token_shows_in_no_message() -> None:
    assert "secret" not in repr(Config("http://a", "secret"))


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="Cannot write"):
        save_config(Config(), tmp_path / "file" / "config.toml")


def test_who_says_where_needs_no_sound_file(tmp_path: Path) -> None:
    broken = tmp_path / "config.toml"
    broken.write_text("url = ")
    environ = {"QMTL_CONFIG": str(broken)}
    assert load_config(url="http://here:1", token="mine", environ=environ) == Config("http://here:1", "mine")
    with pytest.raises(ConfigError, match="Cannot read"):
        load_config(environ=environ)
