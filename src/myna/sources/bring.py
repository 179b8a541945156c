"""Bringing facts in from any format."""

import gc
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from myna.network import HOME, WORLD, Consent, Problem, Progress, Purpose, now_ms, quiet
from myna.network.store import Store
from myna.sources import mastodon_archive, neutral, x_archive
from myna.sources.container import Container, opened
from myna.sources.detect import MASTODON, NEUTRAL, X, kind_of
from myna.sources.intake import Intake
from myna.sources.types import Brought, FileReport, Part

_SOURCE = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")


def bring(
    store: Store,
    path: str | Path,
    source: str = "",
    mapping: Mapping[str, str] | None = None,
    progress: Progress = quiet,
    allow: Sequence[Purpose] = (),
) -> Brought:
    """Brings all facts at a path into the store. The same path again brings nothing twice; killed, it goes on.

    path: a file, folder, zip or tar file in the neutral format, an X archive or a Mastodon archive.
    source: the name its ids get; by default `x`, `mastodon`, or the name of the folder or file.
    mapping: our column -> the file's column, for the neutral format.
    allow: what else the operator says yes to for all posts of this source; without it they are not trained on.
    Raises Problem where nothing could be brought in; where some could, `Brought.problems` tells of the rest.
    """
    path = Path(path)
    with opened(path) as container:
        kind = kind_of(container)
        if mapping and kind != NEUTRAL:
            raise Problem(f"{path} is an archive of {kind}, whose columns are known; --map is for tables.")
        name = _source(source, kind, container)
        parts, reports = _parts(container, kind, name, mapping or {})
        intake = Intake(store, sum(part.size for part in parts), progress)
        with _rarely_collected():
            reports = [*(intake.take(part) for part in parts), *reports]
        reports += [FileReport(name, "", problem=f"It {why}.") for name, why in container.refused.items()]
        if not any(report.read for report in reports) and any(report.problem for report in reports):
            raise Problem(" ".join(f"{report.name}: {report.problem}" for report in reports[:8] if report.problem))
        _allow(store, name, allow)
        intake.done()
        read = {report.name for report in reports}
        ignored = tuple(name for name in container.entries if name not in read)
    return Brought(kind, name, tuple(reports), ignored)


@contextmanager
def _rarely_collected() -> Iterator[None]:
    """Has Python look for cyclic garbage a hundred times more rarely: records make none, and looking costs a third."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _parts(
    container: Container, kind: str, source: str, mapping: Mapping[str, str]
) -> tuple[list[Part], list[FileReport]]:
    if kind == X:
        return x_archive.parts(container, source)
    if kind == MASTODON:
        return mastodon_archive.parts(container, source)
    return neutral.parts(container, source, mapping)


def _source(given: str, kind: str, container: Container) -> str:
    if given:
        if not _SOURCE.fullmatch(given):
            raise Problem(f"--source {given!r}: give a short name of a-z, 0-9, _, . and -, such as `x` or `forum`.")
        return given
    if kind != NEUTRAL:
        return kind
    if _simulated(container):
        return WORLD
    plain = unicodedata.normalize("NFKD", container.name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9_.-]+", "_", plain).strip("_.-")[:64] or "import"
    # Posts of these sources count as written here, and may be trained on: no folder gets that by its name alone.
    return slug + "_import" if slug in (HOME, WORLD) else slug


def _simulated(container: Container) -> bool:
    """Whether Myna's own simulator wrote these tables: each then says so in its Parquet metadata."""
    import pyarrow.parquet as pq

    from myna.sources.container import UNREADABLE

    tables = [entry for entry in container.entries.values() if entry.name.endswith(".parquet") and entry.path]
    try:
        said = [(pq.read_schema(entry.path).metadata or {}).get(b"myna.source") for entry in tables]
    except UNREADABLE:
        return False
    return bool(said) and all(each == WORLD.encode() for each in said)


def _allow(store: Store, source: str, purposes: Sequence[Purpose]) -> None:
    """The operator's yes for a source, where it does not stand already."""
    if not purposes:
        return
    subject = f"{source}:*"
    said: dict[Purpose, tuple[int, int, bool]] = {}
    seq = 0
    while found := store.consents_after(seq):
        seq = found[-1].seq
        for consent in found:
            if consent.subject == subject and consent.by == "operator":
                said[consent.purpose] = max(
                    said.get(consent.purpose, (-1, 0, False)), (consent.at, consent.seq, consent.allow)
                )
    missing = [purpose for purpose in purposes if purpose not in said or not said[purpose][2]]
    store.append([Consent(subject, purpose, True, "operator", now_ms()) for purpose in missing])
