"""Muon for the matrices inside the layers, AdamW for embeddings and norms.

Muon steps along the orthogonalised momentum (Jordan et al. 2024); on the same tokens it is ahead of AdamW from the
first minute (docs/model.md).
"""

from collections.abc import Sequence

import torch
from torch import nn

from myna.training.plan import Plan


class Optimizer:
    """Both, stepped as one."""

    def __init__(self, model: nn.Module, plan: Plan) -> None:
        named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
        matrices = [p for name, p in named if p.ndim == 2 and "embed_tokens" not in name and "lm_head" not in name]
        tables = [p for name, p in named if p.ndim == 2 and ("embed_tokens" in name or "lm_head" in name)]
        vectors = [p for _, p in named if p.ndim < 2]
        self._plan = plan
        self._parts: Sequence[tuple[torch.optim.Optimizer, float]] = (
            (torch.optim.Muon(matrices, lr=plan.matrix_rate, weight_decay=0.0, momentum=0.95), plan.matrix_rate),
            (
                torch.optim.AdamW(
                    [{"params": tables}, {"params": vectors}],
                    lr=plan.vector_rate,
                    betas=(0.9, 0.95),
                    eps=1e-10,
                    weight_decay=0.0,
                    fused=True,
                ),
                plan.vector_rate,
            ),
        )

    def step(self, step: int) -> None:
        """One step at the plan's rates, and no gradients after it."""
        factor = self._plan.rate(step)
        for optimizer, rate in self._parts:
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)

    def state_dict(self) -> list[dict[str, object]]:
        """What a checkpoint keeps."""
        return [optimizer.state_dict() for optimizer, _ in self._parts]

    def load_state_dict(self, state: list[dict[str, object]]) -> None:
        """Goes on from what a checkpoint kept."""
        for (optimizer, _), part in zip(self._parts, state, strict=True):
            optimizer.load_state_dict(part)
