"""Where a new model's token embeddings begin: with tokens near each other that stand beside the same tokens.

Counts of which token follows which say much about what tokens mean before a step is trained. Their pointwise mutual
information, where positive, factored to the model's width gives vectors as good as those of word2vec (Levy and
Goldberg 2014, "Neural word embedding as implicit matrix factorization"; contexts smoothed as in Levy, Goldberg and
Dagan 2015, TACL 3). A run of minutes spends much of its time on learning just that.
"""

import numpy as np
from scipy import sparse

from myna.training.types import Text

_TOKENS_MOST = 20_000_000
"""Of the newest text, counted."""
_WIDTH_MOST = 512
_SMOOTHING = 0.75
_POWER = 0.5
"""Of the singular values."""
_SPREAD = 0.06
"""Root mean square of a row's numbers; a model begins with .02 where nothing is known."""
_ITERATIONS = 3
_SPARE = 16


def neighbour_embeddings(text: Text, vocabulary: int, width: int, seed: int) -> np.ndarray | None:
    """(vocabulary, width) float32, from the text that is for training; zeros for ids that never occur there.

    None where the model is so wide, or the text or the vocabulary so small, that there is nothing to factor.
    """
    counts = _following(text, vocabulary)
    if width > min(_WIDTH_MOST, vocabulary) or counts.nnz < width:
        return None
    both = sparse.hstack((_information(counts), _information(counts.T.tocsr()))).tocsr()
    random = np.random.default_rng(seed)
    # Randomised singular value decomposition (Halko, Martinsson and Tropp 2011, SIAM Review 53).
    basis = random.standard_normal((both.shape[1], min(width + _SPARE, vocabulary)))
    for _ in range(_ITERATIONS):
        basis = both.T @ np.linalg.qr(both @ basis)[0]
    basis = np.linalg.qr(both @ basis)[0]
    left, values, _ = np.linalg.svd(np.asarray(basis.T @ both), full_matrices=False)
    rows = (basis @ left)[:, :width] * values[:width] ** _POWER
    # Turned at random: no one place of the vectors should matter more than the others.
    rows = rows @ np.linalg.qr(random.standard_normal((width, width)))[0]
    lengths = np.sqrt((rows**2).mean(1, keepdims=True))
    found: np.ndarray = (rows * np.where(lengths > 1e-9, _SPREAD / np.maximum(lengths, 1e-9), 0.0)).astype(np.float32)
    return found


def _following(text: Text, vocabulary: int) -> sparse.csr_matrix:
    """(vocabulary, vocabulary): how often the second token comes right after the first. Deleted ones count nothing."""
    begin, last = int(text.documents[0]), int(text.documents[text.train_documents])
    tokens = np.asarray(text.tokens[max(begin, last - _TOKENS_MOST) : last]).astype(np.int64)
    kept = (tokens[:-1] != text.pad) & (tokens[1:] != text.pad)
    pairs, counts = np.unique(tokens[:-1][kept] * vocabulary + tokens[1:][kept], return_counts=True)
    shape = (vocabulary, vocabulary)
    return sparse.csr_matrix((counts.astype(np.float64), (pairs // vocabulary, pairs % vocabulary)), shape)


def _information(counts: sparse.csr_matrix) -> sparse.csr_matrix:
    """Positive pointwise mutual information of rows with columns, in nats."""
    found = counts.tocoo()
    of_rows = np.asarray(counts.sum(1)).ravel()
    of_columns = np.asarray(counts.sum(0)).ravel() ** _SMOOTHING
    expected = of_rows[found.row] * of_columns[found.col] / max(of_columns.sum(), 1.0)
    values = np.maximum(np.log(found.data / expected), 0.0)
    return sparse.csr_matrix((values, (found.row, found.col)), counts.shape)
