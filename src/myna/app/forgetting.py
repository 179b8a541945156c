"""Going back, in a run that was trained slice by slice, to before a post was learned.

home/models/language/kept/VERSION/       the run of a version trained in slices, with the state at each border
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from myna.decisions import new_id
from myna.network import Problem, now_ms


def begin_again_without(root: Path, corpora: Path, ids: Sequence[str]) -> dict[str, Any]:
    """Makes `root`/run the run of the version in use, gone back to the border before the first of these posts (or of
    these people's), whose tokens are dropped; returns its state.

    The run that was begun for the same posts and cut short goes on. Raises Problem where the version was not trained
    in slices, its text is gone, or nothing of these posts is in it.
    """
    from myna.corpus import Corpus
    from myna.training import Plan, SlicedOrder, go_back, write_atomically

    run = root / "run"
    if (run / "run.json").exists():
        under_way: dict[str, Any] = json.loads((run / "run.json").read_text(encoding="utf-8"))
        if under_way.get("forgot") == list(ids):
            return under_way
    current = root / "current"
    version = current.read_text(encoding="utf-8").strip() if current.exists() else ""
    kept = root / "kept" / version
    if not version or not (kept / "run.json").exists():
        raise Problem(
            "The version in use was not trained in slices, so it cannot go back to before a post. Train again: "
            "`myna train --slices 8`; what was deleted is no longer in the text."
        )
    state: dict[str, Any] = json.loads((kept / "run.json").read_text(encoding="utf-8"))
    folder = corpora / state["corpus"]
    if not (folder / "corpus.json").exists():
        raise Problem("The text this version was trained on has been built anew since. Train again with --slices.")
    corpus = Corpus(folder)
    found = corpus.posts.filter(pl.col("post_id").is_in(list(ids)) | pl.col("author_id").is_in(list(ids)))
    if not found.height:
        raise Problem(f"The version in use has learned nothing from {', '.join(ids)}.", 404)
    corpus.drop(ids)
    first = int(np.searchsorted(corpus.documents, int(found["offset"].to_numpy().min()), side="right")) - 1
    plan = Plan.from_dict(state["plan"])
    order = SlicedOrder(corpus, plan.seed, plan.context, plan.batch, plan.steps, plan.slices)
    fresh = root / ".going-back"
    for old in (fresh, run):
        shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(kept, fresh)
    go_back(fresh, order, first)
    now = now_ms()
    state |= {"began": now, "decision": new_id("d", now), "forgot": list(ids), "replaces": version}
    write_atomically(fresh / "run.json", json.dumps(state, indent=1).encode())
    fresh.replace(run)
    return state


def keep_run(root: Path, version: str, state: dict[str, Any], sliced: bool) -> None:
    """What becomes of a run when its version is published: kept if it was sliced, with what it replaces removed."""
    run, kept = root / "run", root / "kept"
    if not sliced:
        shutil.rmtree(run)
        return
    kept.mkdir(exist_ok=True)
    if replaced := state.get("replaces"):
        # Its later borders have learned what was to be forgotten.
        shutil.rmtree(kept / replaced, ignore_errors=True)
    shutil.rmtree(kept / version, ignore_errors=True)
    run.replace(kept / version)
