"""A small process that ends brokers and removes their data when the process that started them is gone.

It reads orders from its standard input, one a line, and the end of that input is the sign: only the parent holds the
other end, so it closes when the parent returns, crashes or is killed with -9. (Linux's PR_SET_PDEATHSIG would fire
when the *thread* that started the broker ends, and other systems lack it.) It lives in a session of its own, where
Ctrl-C does not reach it.

    +process <pid>     end this one (with KILL)      -process <pid>     no longer
    +folder <path>     remove this one               -folder <path>     no longer

Run as a script by `process.Guard`; standard library only, so that it starts in no time.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterable

_GIVE_UP_AFTER_S = 5.0


def watch(orders: Iterable[str]) -> tuple[set[int], set[str]]:
    """Follow the orders to their end; returns the processes and folders that are left to us then."""
    processes: set[int] = set()
    folders: set[str] = set()
    for order in orders:
        verb, _, subject = order.rstrip("\n").partition(" ")
        match verb:
            case "+process":
                processes.add(int(subject))
            case "-process":
                processes.discard(int(subject))
            case "+folder":
                folders.add(subject)
            case "-folder":
                folders.discard(subject)
            case _:
                raise ValueError(f"unknown order {order!r}")
    return processes, folders


def clean_up(processes: set[int], folders: set[str]) -> None:
    """End the processes and remove the folders; one may still be writing as it ends, so removal repeats."""
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    give_up_at = time.monotonic() + _GIVE_UP_AFTER_S
    while any(map(os.path.lexists, folders)) and time.monotonic() < give_up_at:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.01)


if __name__ == "__main__":
    clean_up(*watch(sys.stdin))
