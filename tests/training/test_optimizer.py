import pytest
import torch

from myna.training.optimizer import Muon, orthogonalised


@pytest.mark.parametrize("shape", [(24, 40), (40, 24), (16, 16)])
def test_muon_in_bfloat16_is_torchs_own(shape: tuple[int, int]) -> None:
    torch.manual_seed(1)
    ours, theirs = (torch.nn.Parameter(torch.ones(shape)) for _ in range(2))
    first = Muon([ours], 0.02, 0.95, torch.bfloat16)
    second = torch.optim.Muon([theirs], lr=0.02, weight_decay=0.0, momentum=0.95)
    for _ in range(5):
        gradient = torch.randn(shape)
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        first.step()
        second.step()
        assert torch.allclose(ours, theirs, atol=1e-3)


def test_an_orthogonalised_matrix_has_singular_values_near_one() -> None:
    torch.manual_seed(2)
    for shape in ((30, 60), (60, 30)):
        values = torch.linalg.svdvals(orthogonalised(torch.randn(shape), torch.float32))
        assert values.min() > 0.6 and values.max() < 1.3
