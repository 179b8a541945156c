"""Muon for the matrices inside the layers, AdamW for embeddings, norms and adapters.

Muon steps along the orthogonalised momentum (Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural
networks"); on the same tokens it is well ahead of AdamW (docs/model.md). torch.optim.Muon is the same
rule, always in bfloat16; here it runs in the plan's precision, so that in float32 a run on many processes, whose sums
are made in another order, stays the run on one.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from myna.training.lora import ADAPTER
from myna.training.plan import Plan

_STEEP = ((8.0934, -23.6205, 17.4462), (3.6366, -2.7219, 0.5365), (2.6613, -1.9772, 0.4526))
"""Of odd quintics a x + b x^3 + c x^5, the one nearest to 1 on [0.01, 1]; then on the image of that; and again (Amsel
et al. 2025, "The Polar Express", arXiv 2505.16932)."""
_GENTLE = ((3.4445, -4.7750, 2.0315),) * 5
"""Two products in five more, and a tenth of the rounding: in float32 one process and two stay within a millionth."""


class Muon(torch.optim.Optimizer):
    """Momentum, then every singular value of the step brought near 1. For matrices only."""

    def __init__(
        self, parameters: Iterable[Tensor], rate: float, momentum: float, precision: torch.dtype, threads: int = 1
    ) -> None:
        """threads: that many matrices are worked on at a time, each by one thread."""
        super().__init__(parameters, {"lr": rate, "momentum": momentum})
        self._precision = precision
        self._pool = ThreadPoolExecutor(threads, "muon", torch.set_num_threads, (1,)) if threads > 1 else None

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One step along what gradients there are."""
        for group in self.param_groups:
            due = [parameter for parameter in group["params"] if parameter.grad is not None]
            each = self._pool.map if self._pool else map
            list(each(partial(self._move, group), due))

    @torch.no_grad()
    def _move(self, group: dict[str, Any], parameter: Tensor) -> None:
        gradient = parameter.grad
        assert gradient is not None
        state = self.state[parameter]
        if not state:
            state["momentum"] = torch.zeros_like(parameter)
        average = state["momentum"].lerp_(gradient, 1 - group["momentum"])
        ahead = gradient.lerp(average, group["momentum"])
        rows, columns = parameter.shape
        # A tall matrix's step has a smaller root mean square than a wide one's; this makes them alike.
        rate = group["lr"] * max(1.0, rows / columns) ** 0.5
        parameter.add_(orthogonalised(ahead, self._precision), alpha=-rate)


def orthogonalised(matrix: Tensor, precision: torch.dtype) -> Tensor:
    """The matrix with its singular values brought to between 0.7 and 1.3, those below a hundredth of the bound apart.

    By quintic polynomials of the matrix, in float32 gentler and more of them. The largest singular value is bounded by
    the root of the Gram matrix's Frobenius norm, about a third of the matrix's own, which saves one of them.
    """
    if isinstance(matrix, DTensor):
        # Its singular values are those of the whole matrix: each process computes it, and keeps its part.
        whole = orthogonalised(matrix.full_tensor(), precision)
        return distribute_tensor(whole, matrix.device_mesh, matrix.placements, src_data_rank=None)
    x = matrix.to(precision, copy=True)
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.T
    for place, (a, b, c) in enumerate(_GENTLE if precision == torch.float32 else _STEEP):
        gram = x @ x.T
        if place == 0:
            bound = gram.float().norm().clamp(min=1e-14)
            x, gram = x / bound.sqrt().to(precision), gram / bound.to(precision)
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return (x.T if tall else x).to(matrix.dtype)


class Optimizer:
    """Both, stepped as one."""

    def __init__(self, model: nn.Module, plan: Plan, threads: int = 1) -> None:
        named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
        # The product of an adapter's two matrices is what counts; made orthogonal, each would grow by itself.
        apart = ("embed_tokens", "lm_head", ADAPTER)
        matrices = [p for name, p in named if p.ndim == 2 and not any(part in name for part in apart)]
        tables = [p for name, p in named if p.ndim == 2 and any(part in name for part in apart)]
        vectors = [p for _, p in named if p.ndim < 2]
        precision: torch.dtype = getattr(torch, plan.precision)
        adam = torch.optim.AdamW(
            [{"params": tables}, {"params": vectors}],
            lr=plan.vector_rate,
            betas=(0.9, 0.95),
            eps=1e-10,
            weight_decay=0.0,
            fused=True,
        )
        self.plan = plan
        self._parts: list[tuple[torch.optim.Optimizer, float]] = [(adam, plan.vector_rate)]
        if matrices:
            muon = Muon(matrices, plan.matrix_rate, 0.95, precision, threads)
            self._parts.insert(0, (muon, plan.matrix_rate))

    def step(self, step: int) -> None:
        """One step at the plan's rates, and no gradients after it."""
        factor = self.plan.rate(step)
        for optimizer, rate in self._parts:
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    @property
    def parts(self) -> list[torch.optim.Optimizer]:
        """The optimizers this one is made of, in the order of `state_dict`."""
        return [optimizer for optimizer, _ in self._parts]

    def state_dict(self) -> list[dict[str, object]]:
        """What a checkpoint keeps."""
        return [optimizer.state_dict() for optimizer, _ in self._parts]

    def load_state_dict(self, state: list[dict[str, object]]) -> None:
        """Goes on from what a checkpoint kept."""
        for (optimizer, _), part in zip(self._parts, state, strict=True):
            optimizer.load_state_dict(part)
