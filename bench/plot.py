"""A plot of a run as SVG, written by hand: what each subject reached in each case, and the memory of long copies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from bench.cases import Method
from bench.measures import Measure, number
from bench.running import Outcome

WIDTH, NAMES, BAR = 900, 380, 18
CURVE_HEIGHT, MOST_POINTS = 180, 400
COLOURS = ("#2f6f9f", "#c9783a", "#7a8a3c", "#8a5a8a")
CURVES = (Method.COPYING, Method.BACKLOG)
FIRST = (Measure.MB_PER_S, Measure.P99_MS, Measure.OFFSETS_PER_S, Measure.CPU_SHARE, Measure.SECONDS)
"""The figure of a subject that is drawn: the first of these that it has."""


def svg(outcomes: Sequence[Outcome]) -> str:
    """The whole picture."""
    parts: list[str] = []
    height = 30
    for drawing in (*_bars(outcomes), *_curves(outcomes)):
        lines, grown = drawing
        parts.append(f'<g transform="translate(10 {height})">{lines}</g>')
        height += grown
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height + 10}"'
    style = 'font-family="sans-serif" font-size="12"'
    return f'{head} {style}><rect width="100%" height="100%" fill="white"/>{"".join(parts)}</svg>\n'


def _bars(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, int]]:
    """(drawing, height) of each case: a bar a subject, the longest as wide as there is room."""
    for case in dict.fromkeys(each.case for each in outcomes):
        measure = next((m for m in FIRST if any(m in (o.figures or {}) for o in outcomes if o.case == case)), None)
        bars = [
            (each.who, each.figures[measure])
            for each in outcomes
            if each.case == case and measure and each.figures and measure in each.figures
        ]
        if not bars or measure is None:
            continue
        most = max(value for _, value in bars) or 1.0
        lines = [_text(0, 0, f"{case.title}: {measure.title}", weight="bold")]
        for at, (who, value) in enumerate(bars):
            top, length = 8 + at * (BAR + 4), (WIDTH - NAMES - 110) * value / most
            lines.append(_text(12, top + 13, who))
            colour = COLOURS[at % len(COLOURS)]
            lines.append(f'<rect x="{NAMES}" y="{top}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>')
            lines.append(_text(NAMES + length + 6, top + 13, number(value)))
        yield "".join(lines), 8 + len(bars) * (BAR + 4) + 26


def _curves(outcomes: Sequence[Outcome]) -> Iterator[tuple[str, int]]:
    """(drawing, height) of each copy that was watched: resident memory over time."""
    for each in outcomes:
        samples = each.samples
        if each.case.method not in CURVES or len(samples) < 2:
            continue
        span = samples[-1].time_s - samples[0].time_s or 1.0
        most = max(sample.rss_bytes for sample in samples) or 1
        wide = WIDTH - 120
        points = " ".join(
            f"{wide * (s.time_s - samples[0].time_s) / span:.1f},{CURVE_HEIGHT * (1 - s.rss_bytes / most):.1f}"
            for s in samples[:: max(1, len(samples) // MOST_POINTS)]
        )
        shown = f"{each.case.title}, {each.who}: memory, up to {number(most / 1e6)} MB in {number(span)} s"
        frame = f'<rect y="8" width="{wide}" height="{CURVE_HEIGHT}" fill="none" stroke="#bbb"/>'
        line = f'<polyline transform="translate(0 8)" points="{points}" fill="none" stroke="{COLOURS[0]}"/>'
        yield _text(0, 0, shown, weight="bold") + frame + line, CURVE_HEIGHT + 40


def _text(x: float, y: float, text: str, weight: str = "normal") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-weight="{weight}">{escape(text)}</text>'
