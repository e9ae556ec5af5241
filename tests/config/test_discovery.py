"""Which file is read, and what is said of one that cannot be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from config import discovery
from config.loading import load
from config.problems import ConfigUnreadable
from config.settings import Settings


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any configuration: a working directory, a home, a system directory."""
    for name in ("work", "home/.config/remora", "etc"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setattr(discovery, "SYSTEM_FILE", tmp_path / "etc/remora.yaml")
    return tmp_path


def test_without_any_file_the_defaults_hold(bare):
    result = load(None, {"HOME": f"{bare / 'home'}"})

    assert (result.settings, result.file, result.warnings) == (Settings(), None, ())


def test_files_are_looked_for_nearest_first(bare):
    environ = {"HOME": f"{bare / 'home'}"}
    places = [
        "etc/remora.yaml",
        "home/.config/remora/remora.yaml",
        "work/remora.yaml",
        "env.yaml",
        "named.yaml",
    ]
    for port, place in enumerate(places, start=1):
        (bare / place).write_text(f"web: {{port: {port}}}")
        if place == "env.yaml":
            environ["REMORA_CONFIG"] = f"{bare / place}"
        named = bare / place if place == "named.yaml" else None

        assert load(named, environ).settings.web.port == port


@pytest.mark.parametrize("by_environment", [False, True])
def test_a_named_file_must_be_there(bare, by_environment):
    missing = bare / "missing.yaml"
    (bare / "work/remora.yaml").write_text("")

    with pytest.raises(ConfigUnreadable, match=r"missing\.yaml: does not exist"):
        load(None, {"REMORA_CONFIG": f"{missing}"}) if by_environment else load(missing, {})


def test_a_directory_is_no_file(bare):
    with pytest.raises(ConfigUnreadable, match="is a directory, expected a file"):
        load(bare, {})


def test_a_file_below_a_file_is_told_by_the_systems_own_words(bare):
    (bare / "file").write_text("")

    with pytest.raises(ConfigUnreadable, match="cannot be read: Not a directory"):
        load(bare / "file/remora.yaml", {})


def test_a_file_that_was_found_but_cannot_be_read_is_not_passed_over(bare):
    (bare / "work/remora.yaml").symlink_to("remora.yaml")

    with pytest.raises(ConfigUnreadable, match="cannot be read: Too many levels of symbolic links"):
        load(None, {})


def test_what_is_not_utf8_is_refused_at_its_line(bare):
    (bare / "latin.yaml").write_bytes("a: 1\nb: é\n".encode("latin-1"))

    with pytest.raises(ConfigUnreadable, match=r"latin\.yaml:2: is not UTF-8 text"):
        load(bare / "latin.yaml", {})


def test_a_file_beyond_the_limit_is_refused_unread(bare):
    (bare / "large.yaml").write_bytes(b"#" * (discovery.FILE_BYTES_MAX + 1))

    with pytest.raises(ConfigUnreadable, match="is larger than"):
        load(bare / "large.yaml", {})


def test_a_device_that_is_empty_is_an_empty_file(bare):
    assert load(Path(os.devnull), {}).settings == Settings()
