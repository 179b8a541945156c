"""Writing batches to the store and counting what became of every record."""

from collections import Counter
from collections.abc import Iterator

from myna.network import Fact, Person, Problem, Progress, Records, invalid
from myna.network.store import Store
from myna.sources.container import UNREADABLE
from myna.sources.types import MERGED, Batch, FileReport, Part


class Intake:
    """One import: takes the files one after the other. total: bytes of all of them, for the time left."""

    def __init__(self, store: Store, total: int, progress: Progress) -> None:
        self._store = store
        self._progress = progress
        self._finished = Records(store, "imports")
        self._people: set[str] = set()
        self._records = 0
        self._bytes = 0.0
        self._total = max(total, 1)

    def take(self, part: Part) -> FileReport:
        """Brings a file in. What breaks in reading is told in the report; what breaks in the store is raised."""
        before = self._finished.get(part.digest) if part.digest else None
        if before is not None:
            # Finished and unchanged since: every one of its facts is in the log, or has a tombstone there.
            report = FileReport(**{**before, "name": part.name, "unused": part.unused})
            self._went_on(report.read, part.size, 1.0)
            self._bytes += part.size
            return report
        counter = _Counter()
        problem = ""
        batches = _Guarded(part.batches)
        for batch in batches:
            self._append(batch, part, counter)
            self._went_on(counter.read, part.size, batch.share)
            self._records -= counter.read
        if batches.problem:
            problem = f"{batches.problem} after {part.unit} {counter.read:,}. What came before is kept."
        self._records += counter.read
        self._bytes += part.size
        report = counter.report(part, problem)
        if part.digest and not problem:
            kept = {"role": report.role, "read": report.read, "known": report.new + report.known}
            kept |= {"merged": report.merged, "skipped": report.skipped, "first": report.first, "notes": report.notes}
            self._finished.put(part.digest, kept)
        return report

    def done(self) -> None:
        """Says that all is done."""
        self._progress(self._records, self._records)

    def _went_on(self, read: int, size: int, share: float) -> None:
        self._records += read
        seen = self._bytes + size * share
        estimate = round(self._records * self._total / seen) if seen else 0
        self._progress(self._records, max(estimate, self._records))

    def _append(self, batch: Batch, part: Part, counter: "_Counter") -> None:
        facts: list[Fact] = []
        for index, outcome in enumerate(batch.outcomes):
            if not isinstance(outcome, str):
                reason = invalid(outcome)
                if reason is None:
                    facts.append(outcome)
                    continue
                outcome = reason
            if outcome == MERGED:
                counter.merged += 1
            else:
                counter.skipped[outcome] += 1
                counter.first.setdefault(outcome, f"{part.unit} {batch.number(index):,}")
        beside = [fact for fact in batch.beside if invalid(fact) is None]
        beside += self._missing(batch.authors, facts)
        if beside:
            counter.beside += self._store.append(beside, checked=True).new
        appended = self._store.append(facts, checked=True)
        counter.read += len(batch.outcomes)
        counter.new += appended.new
        counter.known += appended.known
        counter.notes.update(batch.notes)

    def _missing(self, authors: list[Person], facts: list[Fact]) -> list[Person]:
        """The authors of kept facts whom the store does not hold: a profile there is never replaced by a bare name."""
        fresh = {person.id: person for person in authors if person.id not in self._people}
        if not fresh:
            return []
        wrote = {getattr(fact, "author_id", "") for fact in facts}
        fresh = {id: person for id, person in fresh.items() if id in wrote and invalid(person) is None}
        held = self._store.people(fresh)
        self._people.update(fresh)
        return [person for id, person in fresh.items() if id not in held]


class _Counter:
    """The numbers of one file while it is read."""

    def __init__(self) -> None:
        self.read = self.new = self.known = self.merged = self.beside = 0
        self.skipped: Counter[str] = Counter()
        self.first: dict[str, str] = {}
        self.notes: Counter[str] = Counter()

    def report(self, part: Part, problem: str) -> FileReport:
        return FileReport(
            part.name,
            part.role,
            self.read,
            self.new,
            self.known,
            self.merged,
            self.beside,
            dict(self.skipped),
            self.first,
            dict(self.notes),
            part.unused,
            problem,
        )


class _Guarded:
    """Batches until one cannot be read; then `problem` says why."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches
        self.problem = ""

    def __iter__(self) -> Iterator[Batch]:
        while True:
            try:
                batch = next(self._batches)
            except StopIteration:
                return
            except Problem as problem:
                self.problem = problem.message.rstrip(".")
                return
            except UNREADABLE as error:
                said = str(error).splitlines()[0] if str(error) else type(error).__name__
                self.problem = f"It cannot be read further ({said}); copy or download it again. It ends"
                return
            yield batch
