import dataclasses
import shutil
from pathlib import Path

import numpy as np
import pytest

from myna.corpus import Corpus
from myna.training import Family, Plan, SlicedOrder, Trainer, checkpoints, go_back


@pytest.fixture
def sliced(plan: Plan) -> Plan:
    return dataclasses.replace(plan, steps=24, slices=4)


def test_slices_cover_the_text_once_in_time_order(sliced: Plan, corpus: Corpus) -> None:
    order = SlicedOrder(corpus, 3, 32, 8, 24, 4)
    assert order.documents[0] == 0
    assert order.documents[-1] == corpus.train_documents
    assert len(order.documents) == 5
    assert order.borders == [0, 6, 12, 18, 24]
    # A step reads nothing of later slices, and nothing of earlier ones.
    for step in range(24):
        place = step // 6
        begin, end = (int(corpus.documents[order.documents[n]]) for n in (place, place + 1))
        ids, _, _ = order.batch(step, 8)
        assert set(ids.ravel().tolist()) <= set(np.asarray(corpus.tokens[begin:end]).tolist())


def test_a_post_forgotten_leaves_the_bits_of_a_run_that_never_saw_it(
    sliced: Plan, family: Family, corpus: Corpus, tmp_path: Path
) -> None:
    run, fresh = tmp_path / "run", tmp_path / "fresh"
    run.mkdir()
    fresh.mkdir()
    text = Corpus(shutil.copytree(corpus.directory, tmp_path / "text"))
    trainer = Trainer(sliced, family, text, run)
    trainer.run()
    saw = [p.clone() for p in trainer.model.parameters()]
    assert {0 + 6, 12, 18, 24} <= {int(path.name.removesuffix(".pt")) for path in checkpoints(run)}

    order = trainer.order
    assert isinstance(order, SlicedOrder)
    posts = text.posts.filter(text.posts["offset"] >= int(text.documents[order.documents[2]]))
    post, offset = posts["post_id"][3], int(posts["offset"][3])
    document = int(np.searchsorted(text.documents, offset, side="right")) - 1
    assert text.drop([post]) >= 1
    assert go_back(run, order, document) == 12
    forgetful = Trainer(sliced, family, text, run)
    assert forgetful.step == 12
    forgetful.run()

    never = Trainer(sliced, family, text, fresh)
    never.run()
    pairs = zip(forgetful.model.parameters(), never.model.parameters(), strict=True)
    assert all(a.equal(b) for a, b in pairs)
    assert not all(a.equal(b) for a, b in zip(saw, never.model.parameters(), strict=True))


def test_without_the_borders_state_forgetting_begins_anew(
    sliced: Plan, family: Family, corpus: Corpus, tmp_path: Path
) -> None:
    trainer = Trainer(sliced, family, corpus, tmp_path)
    trainer.run()
    for path in checkpoints(tmp_path):
        if path.name != "00000024.pt":
            path.unlink()
    assert isinstance(trainer.order, SlicedOrder)
    assert go_back(tmp_path, trainer.order, corpus.train_documents - 1) == 0
    assert Trainer(sliced, family, corpus, tmp_path).step == 0
