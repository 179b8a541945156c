import numpy as np

from myna.model.ngram import NGram

_END = 0


def _row(documents: list[list[int]]) -> np.ndarray:
    return np.array([id for document in documents for id in (_END, *document)])


def _random(seed: int, documents: int, length: int = 12) -> np.ndarray:
    """Documents of a planted chain: each token is followed by one of two."""
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(documents):
        row = [int(random.integers(1, 9))]
        while len(row) < length:
            row.append((row[-1] * 2 + int(random.integers(2))) % 8 + 1)
        rows.append(row)
    return _row(rows)


def test_chances_of_all_tokens_sum_to_one() -> None:
    model = NGram(_random(0, 60), _END, 9, 4)
    for history in ([], [3], [1, 2, 5], [8, 8, 8, 8], [2, 5, 3, 7, 7]):
        chances = [2 ** -model.bits(np.array([_END, *history, id]))[len(history) + 1] for id in range(1, 9)]
        chances.append(2 ** -model.bits(np.array([_END, *history]))[-1])
        assert np.isclose(sum(chances), 1.0), history


def test_a_planted_chain_is_predicted_as_well_as_can_be() -> None:
    model = NGram(_random(0, 200, 200), _END, 9)
    row = _random(1, 100, 200)
    bits = model.bits(row)
    place = np.arange(len(row)) % 201
    assert abs(bits[:-1][place >= 2].mean() - 1.0) < 0.03, "one of two"
    assert abs(bits[:-1][place == 1].mean() - 3.0) < 0.1, "one of eight at the beginning"


def test_nothing_reaches_over_the_border_of_a_document() -> None:
    model = NGram(_random(0, 200), _END, 9)
    own = np.array([_END, 1, 2, 3])
    alone = model.bits(own)
    after = model.bits(np.concatenate([_row([[7, 8, 1, 2]]), own]))
    assert np.allclose(after[-4:], alone[-4:])
