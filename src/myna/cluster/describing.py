"""A plan in words."""

from myna.cluster.types import Layout, Plan

_RECOMPUTED = {"none": "nothing recomputed", "selective": "attention recomputed", "full": "activations recomputed"}


def describe(plan: Plan) -> str:
    """The plan as a page of text, for a terminal."""
    shape, memory, step, lost = plan.shape, plan.memory, plan.step, plan.failures
    parts = {name: getattr(step, name) for name in step.__slots__}
    told = {name: value for name, value in parts.items() if value > 0.005 * step.seconds}
    spent = ", ".join(f"{name} {100 * value / step.seconds:.0f} %" for name, value in told.items())
    held = ", ".join(f"{name} {getattr(memory, name) / 1e9:.1f}" for name in memory.__slots__)
    lines = [
        f"{plan.gpus:,} x {plan.gpu}, {plan.precision}",
        "",
        f"model      {_count(plan.params)} parameters: {shape.layers} layers, width {shape.hidden}, "
        f"{shape.heads} heads ({shape.kv_heads} key-value), feed-forward {shape.ffn}, vocabulary {shape.vocab:,}",
        f"data       {_count(plan.tokens)} tokens in {plan.steps:,} steps of {_count(plan.batch_tokens)}, "
        f"sequences of {plan.sequence:,}",
        f"layout     {layout_text(plan.layout)}",
        f"memory     {memory.total / 1e9:.1f} of {plan.memory_of / 1e9:.0f} GB a GPU: {held}",
        f"step       {step.seconds:.2f} s: {spent}",
        f"speed      {plan.tokens_per_second:,.0f} tokens/s, {plan.tflops:.0f} TFLOP/s a GPU, "
        f"MFU {100 * plan.mfu:.1f} %",
        f"failures   one every {_time(lost.mtti)}, {lost.expected:,.1f} in all; save every {_time(lost.every)} "
        f"({_time(lost.save)} each), restart {_time(lost.restart)}: goodput {100 * lost.goodput:.1f} %",
        f"time       {plan.days:,.1f} days, {plan.gpu_days:,.0f} GPU-days, {plan.flops:.2e} FLOP",
        f"power      {plan.power_kw:,.0f} kW for the site, {plan.energy_mwh:,.0f} MWh",
    ]
    if plan.cost is not None:
        lines.append(f"cost       {plan.cost:,.0f}")
    if plan.others:
        lines += ["", "next best"]
        lines += [f"  {seconds / step.seconds - 1:+.1%}  {layout_text(layout)}" for layout, seconds in plan.others]
    if plan.rejected:
        lines += ["", "not taken"]
        lines += [
            f"  {count:>5} layouts: {reason}" for reason, count in sorted(plan.rejected.items(), key=lambda r: -r[1])
        ]
    return "\n".join(lines)


def layout_text(layout: Layout) -> str:
    """A layout in a line: `tensor 8 x pipeline 16 x data 128, …`."""
    sizes = [
        ("tensor", layout.tensor),
        ("pipeline", layout.pipeline),
        ("context", layout.context),
        ("data", layout.data),
    ]
    text = " x ".join(f"{name} {size}" for name, size in sizes if size > 1) or "one device"
    text += f", micro batch {layout.micro}"
    if layout.chunks > 1:
        text += f", {layout.chunks} chunks a stage"
    return f"{text}, {_RECOMPUTED[layout.recompute]}, {'ZeRO-3' if layout.sharded else 'ZeRO-1'}"


def _count(number: float) -> str:
    for unit, size in (("T", 1e12), ("B", 1e9), ("M", 1e6)):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:,.0f}"


def _time(seconds: float) -> str:
    if seconds == float("inf"):
        return "never"
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.1f} s"
