"""The live table on a terminal, and plain lines every few seconds where the output is a file or a CI log."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console
from rich.live import Live
from rich.table import Table

from pipeline.demo.producing import Produced
from pipeline.demo.watching import Look

LINE_EVERY_S = 2.0


def table(look: Look, produced: Produced) -> Table:
    """Offsets, lag and rate of each partition."""
    title = f"Mirror {look.status}, {produced.records:,} records produced, {produced.transactions} transactions"
    shown = Table(title=title, title_justify="left", caption=look.error or None, caption_style="red")
    for name in ("partition", "source end", "mirror end", "lag", "records/s", "kB/s", "invisible offsets filled", "by"):
        shown.add_column(name, justify="left" if name == "by" else "right")
    for line in look.lines:
        shown.add_row(
            str(line.partition),
            f"{line.source_end:,}",
            f"{line.mirror_end:,}",
            f"{line.lag:,}",
            f"{line.records_per_s:,.0f}",
            f"{line.bytes_per_s / 1000:,.0f}",
            f"{line.gap_offsets:,}",
            line.error or line.marker_path,
        )
    return shown


def line(look: Look, produced: Produced, seconds: float) -> str:
    """The same in one line."""
    gaps = sum(each.gap_offsets for each in look.lines)
    paths = "/".join(sorted({each.marker_path for each in look.lines if each.marker_path}))
    return (
        f"{seconds:5.1f} s  {look.status}  produced {produced.records:,}  mirror ends {look.mirror_ends:,}"
        f"  lag {look.lag:,}  {look.records_per_s:,.0f} records/s  {gaps:,} invisible offsets filled"
        + (f" ({paths})" if paths else "")
        + (f"  {look.error}" if look.error else "")
    )


def show_while(
    console: Console, looking: Callable[[], Look], produced: Produced, goes_on: Callable[[Look], bool], every_s: float
) -> Look:
    """Look again and again, showing it, until goes_on says no; returns the last look."""
    began = time.monotonic()
    now = looking()
    if console.is_terminal:
        with Live(table(now, produced), console=console, auto_refresh=False) as live:
            while goes_on(now):
                time.sleep(every_s)
                now = looking()
                live.update(table(now, produced), refresh=True)
        return now
    said_at = 0.0
    while goes_on(now):
        time.sleep(every_s)
        now = looking()
        if time.monotonic() - said_at >= LINE_EVERY_S:
            said_at = time.monotonic()
            console.print(line(now, produced, said_at - began), highlight=False)
    return now
