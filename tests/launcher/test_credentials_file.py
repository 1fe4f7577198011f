from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from qmtl_site.launcher import credentials


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "credentials.env"


def test_only_its_owner_reads_it(file: Path) -> None:
    credentials.update(file, QMTL_TOKEN="secret")
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_open_file_is_closed_by_the_next_update(file: Path) -> None:
    file.write_text("QMTL_TOKEN=secret\n")
    file.chmod(0o644)
    credentials.update(file, QMTL_URL="http://127.0.0.1:8000")
    assert file.stat().st_mode & 0o777 == 0o600


def test_an_update_keeps_the_other_values(file: Path) -> None:
    credentials.update(file, QMTL_TOKEN="secret", QMTL_URL="http://127.0.0.1:8000")
    credentials.update(file, QMTL_URL="http://127.0.0.1:9000")
    assert credentials.read(file) == {"QMTL_TOKEN": "secret", "QMTL_URL": "http://127.0.0.1:9000"}


def test_the_same_update_twice_changes_nothing(file: Path) -> None:
    credentials.update(file, QMTL_TOKEN="secret")
    first = file.read_text()
    credentials.update(file, QMTL_TOKEN="secret")
    assert file.read_text() == first


def test_without_a_file_there_are_no_values(file: Path) -> None:
    assert credentials.read(file) == {}


NASTY = ["a b", "$HOME", "`id`", "it's", '"', "#x", "a=b", "*", "\\", "", "é"]


@pytest.mark.parametrize("value", NASTY)
def test_a_shell_reads_what_was_written(file: Path, value: str) -> None:
    credentials.update(file, QMTL_ADMIN_PASSWORD=value)
    shown = subprocess.run(
        ["/bin/sh", "-c", f'. "{file}"; printf %s "$QMTL_ADMIN_PASSWORD"'], check=True, capture_output=True
    )
    assert shown.stdout.decode() == value


@pytest.mark.parametrize("value", NASTY)
def test_python_reads_what_was_written(file: Path, value: str) -> None:
    credentials.update(file, QMTL_ADMIN_PASSWORD=value)
    assert credentials.read(file)["QMTL_ADMIN_PASSWORD"] == value


@pytest.mark.parametrize("bad", [{"QMTL_TOKEN": "a\nb"}, {"not a name": "x"}, {"lower": "x"}])
def test_what_is_no_line_of_a_shell_is_refused(file: Path, bad: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="cannot be a line"):
        credentials.update(file, **bad)
