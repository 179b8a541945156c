"""What the build makes for the pages."""

import json
from pathlib import Path

import myna.web

BUNDLE = Path(myna.web.__file__).parent / "static" / "bundle"
SOURCES = Path(myna.web.__file__).parent / "bundle-src"


def test_one_script_of_at_most_150_kb_and_one_style_sheet() -> None:
    assert (BUNDLE / "myna.js").stat().st_size <= 150_000
    assert (BUNDLE / "myna.css").stat().st_size <= 40_000
    assert {path.name for path in BUNDLE.iterdir()} == {"myna.js", "myna.css", "THIRD-PARTY.txt"}


def test_nothing_in_the_bundle_leads_elsewhere() -> None:
    assert b"@import" not in (BUNDLE / "myna.css").read_bytes()
    assert b"url(" not in (BUNDLE / "myna.css").read_bytes()


def test_third_party_licences_go_with_it() -> None:
    text = (BUNDLE / "THIRD-PARTY.txt").read_text()
    assert "htmx.org\n" in text and "uplot\n" in text
    assert "Permission to use, copy, modify" in text and "Permission is hereby granted" in text


def test_versions_are_pinned_and_the_lock_names_no_registry() -> None:
    wanted = json.loads((SOURCES / "package.json").read_text())
    versions = {**wanted["dependencies"], **wanted["devDependencies"]}
    assert all(version[0].isdigit() for version in versions.values())
    lock = (SOURCES / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert "://registry" not in lock
