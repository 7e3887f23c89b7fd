"""Where the brokers of a benchmark keep their logs: in memory, where the machine has room for that.

Any copy is in the long run as fast as the disk that it is written to, whoever copies: with more dirty pages than the
kernel allows it stops the writers until the disk has caught up. A disk that takes 100 to 200 MB/s so makes all copiers
alike, the faster one first. In memory brokers do all that they do on a disk, through the same page cache.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
NEEDED_BYTES = 14 << 30
"""The largest case has 5 GB at the source and as much at the mirror."""


def use(chosen: Path | None) -> Path:
    """Make a folder the one that temporary folders are made in, from now on: `chosen`, or else memory where there is
    room, or else the system's own.

    Raises NotADirectoryError.
    """
    folder = chosen or (MEMORY if _has_room(MEMORY) else Path(tempfile.gettempdir()))
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder")
    tempfile.tempdir = str(folder)
    return folder


def _has_room(folder: Path) -> bool:
    return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= NEEDED_BYTES
