import torch
from torch.nn import functional as F

from myna.training.loss import summed_cross_entropy


def _case(rows: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    torch.manual_seed(rows)
    hidden = torch.randn(rows, 16, requires_grad=True)
    weight = torch.randn(50, 16, requires_grad=True)
    return hidden, weight, torch.randint(0, 50, (rows,))


def test_value_and_gradients_are_those_of_the_plain_form_over_several_pieces() -> None:
    for rows in (1, 512, 1300):
        hidden, weight, targets = _case(rows)
        plain = F.cross_entropy(hidden @ weight.T, targets, reduction="sum")
        wanted = torch.autograd.grad(plain * 0.3, (hidden, weight))
        pieces = summed_cross_entropy(hidden, weight, targets, torch.float32)
        found = torch.autograd.grad(pieces * 0.3, (hidden, weight))
        assert torch.allclose(pieces, plain, rtol=1e-5)
        assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(found, wanted, strict=True))


def test_nothing_to_learn_costs_nothing() -> None:
    hidden, weight, targets = _case(3)
    loss = summed_cross_entropy(hidden[:0], weight, targets[:0], torch.float32)
    loss.backward()
    assert loss.item() == 0.0
    assert weight.grad is not None and not weight.grad.any()


def test_with_soft_targets_the_gradients_are_those_of_the_cross_entropy_with_all_of_them() -> None:
    hidden, weight, targets = _case(600)
    tokens = torch.randint(0, 50, (600, 7))
    tokens[:, 1] = tokens[:, 0]  # one may be there twice
    chances = torch.rand(600, 7) / 8
    whole = torch.zeros(600, 50).scatter_add_(1, tokens, chances)
    whole.scatter_add_(1, targets[:, None], 1 - chances.sum(1, keepdim=True))
    plain = F.cross_entropy(hidden @ weight.T, whole, reduction="sum")
    wanted = torch.autograd.grad(plain * 0.3, (hidden, weight))
    loss = summed_cross_entropy(hidden, weight, targets, torch.float32, (tokens, chances))
    found = torch.autograd.grad(loss * 0.3, (hidden, weight))
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(found, wanted, strict=True))
    # What is told is how well the target alone was foreseen.
    assert torch.allclose(loss, F.cross_entropy(hidden @ weight.T, targets, reduction="sum"), rtol=1e-5)
