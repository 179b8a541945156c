"""`myna plan`: what a training run on many GPUs would take."""

from typing import Annotated

import typer

from myna.cli.opening import Json
from myna.cli.show import answer


def add(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(plan)


def plan(
    gpus: Annotated[int, typer.Option(help="How many.")],
    gpu: Annotated[str, typer.Option(help="Which: h100, h200, b200, a100, …")] = "h100",
    gpu_days: Annotated[float | None, typer.Option("--gpu-days", help="The one dial: the compute to spend.")] = None,
    params: Annotated[float | None, typer.Option(help="Parameters, e.g. 70e9.")] = None,
    tokens: Annotated[float | None, typer.Option(help="Tokens to train on, e.g. 2e12.")] = None,
    days: Annotated[float | None, typer.Option(help="Days the run may take.")] = None,
    sequence: Annotated[int, typer.Option(min=1, help="Tokens of a sequence.")] = 4096,
    price: Annotated[float | None, typer.Option(help="Of one GPU for an hour, for the cost.")] = None,
    json: Json = False,
) -> None:
    """Plans a run: model size, tokens, layout, memory, MFU, days, failures and goodput, from published closed forms."""
    from myna.cluster import describe
    from myna.cluster import plan as make

    made = make(gpus, gpu, gpu_days=gpu_days, days=days, params=params, tokens=tokens, sequence=sequence, price=price)
    answer(made.to_dict(), json, describe(made))
