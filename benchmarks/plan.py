"""The planner beside published runs: seconds of a step, ours and theirs, and the error; then what failures cost.

The peer of each row is the published figure: no other planner that runs here covers these runs. --data and --file are
not used; --quick changes nothing, for it takes no time.
"""

from collections.abc import Iterator
from pathlib import Path

from result import Row

from myna.cluster import RUNS, failures
from myna.cluster.published import predicted


def run(data: Path | None, quick: bool) -> Iterator[Row]:
    """Rows of seconds have the published figure as their peer; rows of errors say what is asked of them."""
    errors: dict[bool, list[float]] = {True: [], False: []}
    for each in RUNS:
        seconds = predicted(each)[0].seconds
        off = 100 * abs(seconds / each.seconds - 1)
        errors[each.chosen_on].append(off)
        yield Row(f"{each.name}: step", "s", round(seconds, 2), {f"published, {each.source}": round(each.seconds, 2)})
        yield Row(f"{each.name}: error", "%", round(off, 1), asked=10, more_is_better=False)
    everything = errors[True] + errors[False]
    for what, some in (
        ("mean error, all runs", everything),
        ("mean error, runs that the shares were chosen on", errors[True]),
        ("mean error, runs that they were not", errors[False]),
    ):
        yield Row(f"{what} ({len(some)})", "%", round(sum(some) / len(some), 2), asked=10, more_is_better=False)
    llama = failures(16384, 14 * 405e9, 54 * 86400.0)
    published = {"published, arXiv 2407.21783 (more than)": 90.0}
    yield Row(
        "Llama 3 on 16,384 GPUs: effective training time", "%", round(100 * llama.goodput, 1), published, asked=90
    )
    hours = {"published, arXiv 2407.21783": 54 * 24 / 419}
    yield Row("Llama 3 on 16,384 GPUs: hours between interruptions", "h", round(llama.mtti / 3600, 2), hours)
