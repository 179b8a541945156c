import pytest
import torch

from myna.training.optimizer import Muon, orthogonalised


@pytest.mark.parametrize("shape", [(24, 40), (40, 24), (16, 16)])
def test_muon_moves_the_way_of_torchs_own_by_as_much(shape: tuple[int, int]) -> None:
    torch.manual_seed(1)
    ours, theirs = (torch.nn.Parameter(torch.zeros(shape)) for _ in range(2))
    first = Muon([ours], 0.02, 0.95, torch.bfloat16)
    second = torch.optim.Muon([theirs], lr=0.02, weight_decay=0.0, momentum=0.95)
    for _ in range(5):
        gradient = torch.randn(shape)
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        first.step()
        second.step()
    assert torch.cosine_similarity(ours.flatten(), theirs.flatten(), 0) > 0.97
    assert float((ours.norm() / theirs.norm()).detach()) == pytest.approx(1.0, abs=0.25)


def test_muon_on_several_threads_makes_the_same_bits() -> None:
    torch.manual_seed(3)
    gradients = [torch.randn(24, 16) for _ in range(6)]
    ends = []
    for threads in (1, 3):
        matrices = [torch.nn.Parameter(torch.zeros(24, 16)) for _ in gradients]
        optimizer = Muon(matrices, 0.02, 0.95, torch.float32, threads)
        for matrix, gradient in zip(matrices, gradients, strict=True):
            matrix.grad = gradient.clone()
        optimizer.step()
        ends.append(torch.stack(list(matrices)))
    assert torch.equal(*ends)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_an_orthogonalised_matrix_is_near_the_nearest_orthogonal_one(precision: torch.dtype) -> None:
    torch.manual_seed(2)
    for shape in ((30, 60), (60, 30)):
        matrix = torch.randn(shape)
        left, _, right = torch.linalg.svd(matrix, full_matrices=False)
        found = orthogonalised(matrix, precision)
        assert torch.cosine_similarity(found.flatten(), (left @ right).flatten(), 0) > 0.97


def test_an_orthogonalised_matrix_has_singular_values_near_one() -> None:
    torch.manual_seed(2)
    for shape in ((30, 60), (60, 30)):
        values = torch.linalg.svdvals(orthogonalised(torch.randn(shape), torch.float32))
        assert values.min() > 0.6 and values.max() < 1.3
