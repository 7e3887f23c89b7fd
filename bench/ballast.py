"""Memory as a physical machine has it: for measuring on virtual machines that get theirs page by page.

The host of a virtual machine may give it a page of memory only when the page is first touched, and take it back soon
after it was freed. Copying a log fills the page cache with pages never touched before, and on such a machine this alone
can cost more than all that a broker and a copier do: a file was written at 0.2 to 0.3 GB/s there, and at 2.4 to 4.4
GB/s into pages that had been in use a moment before. The ballast is a process that touches all free memory beforehand
but some `FREE_BYTES`: it lets go of some whenever programs take memory, and takes what they free before the host does.
Every copier finds the same.

`python -m bench.ballast` is that process: it says "ready" and ends with its standard input.
"""

from __future__ import annotations

import mmap
import select
import subprocess
import sys
from types import TracebackType
from typing import Self

CHUNK = 64 << 20
FREE_BYTES = 512 << 20
SLACK_BYTES = 256 << 20
POLL_S = 0.02
PAGE = mmap.PAGESIZE


def touched(size: int) -> mmap.mmap:
    """Anonymous memory, each page of it written once."""
    memory = mmap.mmap(-1, size)
    memory[::PAGE] = bytes(size // PAGE)
    return memory


def meminfo(name: str) -> int:
    """A figure of /proc/meminfo, in bytes."""
    with open("/proc/meminfo", encoding="ascii") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith(f"{name}:"))


class Ballast:
    """Holds the machine's free memory, in a process of its own, while it is entered."""

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "bench.ballast"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if self._process.stdout is None or not self._process.stdout.readline():
            raise RuntimeError("the ballast did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(30)


def hold() -> None:
    """Take the free memory, then follow it up and down, until standard input ends."""
    chunks: list[mmap.mmap] = []
    is_ready = False
    while not select.select([sys.stdin], [], [], POLL_S if is_ready else 0)[0]:
        free = meminfo("MemFree")
        while chunks and free < FREE_BYTES:
            chunks.pop().close()
            free += CHUNK
        if free > FREE_BYTES + SLACK_BYTES:
            chunks.append(touched(CHUNK))
        elif not is_ready:
            is_ready = True
            print("ready", flush=True)


if __name__ == "__main__":
    hold()
