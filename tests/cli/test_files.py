"""Files that answers go to: replaced whole, but devices, pipes and links stay what they are."""

from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest

from qmtl.cli.failures import CommandError, UsageError
from qmtl.cli.files import write_file


def test_a_link_stays_one_and_leads_to_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("old")
    link = tmp_path / "link.json"
    link.symlink_to("real.json")
    write_file(link, "new")
    assert link.is_symlink()
    assert (tmp_path / "real.json").read_text() == "new"


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe, heard = tmp_path / "pipe", list[str]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: heard.append(pipe.read_text()), daemon=True)
    reader.start()
    write_file(pipe, "answer")
    reader.join(timeout=10)
    assert heard == ["answer"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_device_that_is_full_is_told_and_stays(tmp_path: Path) -> None:
    if os.geteuid() == 0:  # a mistake here would replace the machine's own
        link = tmp_path / "full"
        try:
            os.mknod(link, 0o666 | stat.S_IFCHR, os.stat("/dev/full").st_rdev)
        except OSError:
            pytest.skip("devices cannot be made here")
    else:
        link = Path("/dev/full")
    with pytest.raises(CommandError, match="cannot be written"):
        write_file(link, "answer")
    assert stat.S_ISCHR(link.stat().st_mode)


def test_the_folder_of_snapshots_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert write_file(".qmtl_snapshots/", "{}", called="a/b.json").read_text() == "{}"
    assert [each.name for each in (tmp_path / ".qmtl_snapshots").iterdir()] == ["a_b.json"]
    with pytest.raises(UsageError, match="there is no folder elsewhere"):
        write_file("elsewhere/", "{}")


def test_links_in_a_circle_are_told(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(CommandError, match="cannot be written"):
        write_file(tmp_path / "a", "answer")
