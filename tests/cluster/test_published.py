"""Ours beside what was published. The shares of `timing.py` were chosen on the Megatron runs; the others check."""

import pytest

from myna.cluster.devices import device
from myna.cluster.memory import memory
from myna.cluster.published import RUNS, Run, predicted

_BLOOM = "BLOOM"


def _off(run: Run) -> float:
    return predicted(run)[0].seconds / run.seconds - 1


@pytest.mark.parametrize("run", [run for run in RUNS if not run.name.startswith(_BLOOM)], ids=lambda run: run.name)
def test_a_published_step_is_met_within_a_tenth(run: Run) -> None:
    assert abs(_off(run)) < 0.10


def test_the_mean_error_is_small_also_where_nothing_was_chosen_on() -> None:
    chosen = [abs(_off(run)) for run in RUNS if run.chosen_on]
    others = [abs(_off(run)) for run in RUNS if not run.chosen_on]
    assert len(chosen) == 18 and sum(chosen) / 18 < 0.06
    assert len(others) == 7 and sum(others) / 7 < 0.08


def test_bloom_trained_slower_than_the_forms_say_by_less_than_a_fifth() -> None:
    # A known miss: 105 s is the mean of a whole training with an early stack.
    run = next(run for run in RUNS if run.name.startswith(_BLOOM))
    assert -0.2 < _off(run) < 0


@pytest.mark.parametrize("run", [run for run in RUNS if run.gpu == "a100"], ids=lambda run: run.name)
def test_the_layouts_that_ran_on_80_gb_fit_them(run: Run) -> None:
    _, layout = predicted(run)
    needed = memory(run.shape, run.sequence, layout, run.batch // (layout.data * layout.micro))
    assert needed.total < device("a100").memory


def test_sequence_parallelism_and_selective_recomputation_save_what_the_paper_found() -> None:
    pairs = zip(RUNS[0:8:2], RUNS[1:8:2], strict=True)
    for full, selective in pairs:
        saved = 1 - predicted(selective)[0].seconds / predicted(full)[0].seconds
        published = 1 - selective.seconds / full.seconds  # 22 to 24 %
        assert saved == pytest.approx(published, abs=0.05)
