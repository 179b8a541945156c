"""Small plots as SVG, drawn on the server: they need no script and no inline style."""

from collections.abc import Sequence

from markupsafe import Markup, escape

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 600, 140, 44, 18


def bars(series: Sequence[tuple[str, float, float]], label: str) -> Markup:
    """Two bars for each (name, first, second), the second on top of the first; names of the first and last shown."""
    if not series:
        return Markup("")
    top = max(first + second for _, first, second in series) or 1
    room, height = _WIDTH - _LEFT, _HEIGHT - _BOTTOM
    step = room / len(series)
    parts = [_open(label), _line(_LEFT, height, _WIDTH, height, "axis"), _text(_LEFT - 6, 11, f"{top:,.0f}", "end")]
    parts.append(_text(_LEFT - 6, height, "0", "end"))
    for place, (name, first, second) in enumerate(series):
        x = _LEFT + place * step + step * 0.1
        low, high = first / top * (height - 4), second / top * (height - 4)
        title = f"<title>{escape(name)}: {first:,.0f} + {second:,.0f}</title>"
        parts.append(_rect(x, height - low, step * 0.8, low, "bar", title))
        parts.append(_rect(x, height - low - high, step * 0.8, high, "bar other", title))
    parts.append(_text(_LEFT, _HEIGHT - 3, series[0][0], "start"))
    if len(series) > 1:
        parts.append(_text(_WIDTH, _HEIGHT - 3, series[-1][0], "end"))
    return Markup("".join(parts) + "</svg>")


def interval(low: float, value: float, high: float, label: str) -> Markup:
    """An estimate with its interval on an axis that shows zero."""
    span = max(abs(low), abs(high), 1e-12) * 1.15
    width, height, middle = 600, 56, 22

    def x(at: float) -> float:
        return width / 2 + at / span * (width / 2 - 8)

    return Markup(
        "".join(
            (
                _open(label, height),
                _line(8, middle, width - 8, middle, "axis"),
                _line(x(0), 4, x(0), middle + 14, "zero"),
                _line(x(low), middle, x(high), middle, "range"),
                _line(x(low), middle - 7, x(low), middle + 7, "range"),
                _line(x(high), middle - 7, x(high), middle + 7, "range"),
                f'<circle class="point" cx="{x(value):.1f}" cy="{middle}" r="6"/>',
                _text(x(0), height - 4, "0", "middle"),
                "</svg>",
            )
        )
    )


def _open(label: str, height: int = _HEIGHT) -> str:
    return f'<svg class="plot" viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(label)}">'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _rect(x: float, y: float, width: float, height: float, kind: str, title: str) -> str:
    shape = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    return f'<rect class="{kind}" {shape}>{title}</rect>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
