"""Low-rank adapters: a large model learns through a few small matrices beside its own, which stay as they are.

Each product W x of a layer becomes W x + s B (A x), with A (rank, in) random and B (out, rank) zero, so that training
begins with the model as it was; only A and B are trained, and s B A is added to W when it is done (Hu et al. 2021,
"LoRA", arXiv 2106.09685). All seven matrices of a layer have one, which there and since has been found better than a
larger rank in some of them. Memory is then that of the weights and of what a step computes, without gradients and
momenta of every weight.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from myna.network import Problem

ADAPTER = "adapter_"
"""What the names of the adapters' parameters have, and no others'."""
RANK = 16
"""Where one is chosen by itself."""
_MATRICES = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
_SCALE = 2.0
"""s: alpha / rank, with the usual alpha of twice the rank."""
_BYTES_PER_PARAMETER = 16
"""Of training all: weight, gradient and two momenta in fp32."""
_SHARE_OF_MEMORY = 0.6
"""The rest is for what a step computes, and for everybody else."""


class LowRank(nn.Linear):
    """A linear map whose own weight stays, and its adapter. adapter_a: (rank, in); adapter_b: (out, rank)."""

    def __init__(self, linear: nn.Linear, rank: int, generator: torch.Generator) -> None:
        super().__init__(linear.in_features, linear.out_features, bias=False, device="meta")
        self.weight = linear.weight
        start = torch.randn(rank, linear.in_features, generator=generator) * linear.in_features**-0.5
        self.adapter_a = nn.Parameter(start.to(linear.weight))
        self.adapter_b = nn.Parameter(linear.weight.new_zeros(linear.out_features, rank))

    def forward(self, x: Tensor) -> Tensor:
        """x: (..., in)."""
        beside = F.linear(F.linear(x, self.adapter_a), self.adapter_b)
        return F.linear(x, self.weight) + _SCALE * beside

    @torch.no_grad()
    def merged(self) -> nn.Linear:
        """The one matrix that does the same."""
        linear = nn.Linear(self.in_features, self.out_features, bias=False, device="meta")
        linear.weight = nn.Parameter(self.weight + _SCALE * (self.adapter_b @ self.adapter_a))
        return linear


def adapt(model: nn.Module, rank: int, seed: int) -> nn.Module:
    """The same model, its layers' matrices with adapters, and nothing else to be trained. Raises Problem for a rank
    that is none."""
    narrowest = min(min(linear.weight.shape) for _, _, linear in _linears(model))
    if not 1 <= rank <= narrowest:
        raise Problem(f"The rank of adapters to this model is from 1 to {narrowest}, not {rank}.", 422)
    model.requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    for parent, name, linear in _linears(model):
        setattr(parent, name, LowRank(linear, rank, generator))
    return model


def merge(model: nn.Module) -> nn.Module:
    """The same model with its adapters added to its weights, as if it never had any."""
    for parent, name, linear in _linears(model):
        if isinstance(linear, LowRank):
            setattr(parent, name, linear.merged())
    return model.requires_grad_(True)


def rank_for(parameters: int, memory: float) -> int:
    """0 where all of so many parameters can be trained in so much memory (bytes), else the rank of adapters."""
    return RANK if parameters * _BYTES_PER_PARAMETER > _SHARE_OF_MEMORY * memory else 0


def _linears(model: nn.Module) -> list[tuple[nn.Module, str, nn.Linear]]:
    found = []
    for parent in model.modules():
        for name, part in parent.named_children():
            if name in _MATRICES and isinstance(part, nn.Linear):
                found.append((parent, name, part))
    return found
