"""The operator's key: given as a value, or in a file that is read again when it changes (SEC-30, SEC-32)."""

from __future__ import annotations

import logging
from pathlib import Path

log = logging.getLogger(__name__)


class UnusableKey(Exception):
    """The key cannot be used as it is given; the message never holds it."""


class Key:
    """One key, or none. `current` is what holds now; a file that goes away for a moment keeps its last content."""

    def __init__(self, value: str = "", path: str = "") -> None:
        """`value` or `path`, not both. Raises UnusableKey where the file cannot be read or is empty."""
        if value and path:
            raise UnusableKey("is given as a value and as a file: give one of them")
        self._value = value
        self._path = Path(path) if path else None
        self._seen: object = None
        if self._path is not None:
            self._seen = self._version(self._path)
            self._value = self._read(self._path)

    def current(self) -> str:
        """The key; empty where there is none."""
        if self._path is None:
            return self._value
        try:
            seen = self._version(self._path)
            if seen != self._seen:
                self._value, self._seen = self._read(self._path), seen
                log.info("The key for stored secrets was read again from %s", self._path)
        except UnusableKey as error:
            if self._seen is not None:
                log.warning("The key for stored secrets %s; the one read before still holds", error)
            self._seen = None
        return self._value

    def __repr__(self) -> str:
        return f"Key({'file ' + str(self._path) if self._path else 'given' if self._value else 'none'})"

    @staticmethod
    def _version(path: Path) -> tuple[int, int, int]:
        try:
            found = path.stat()
        except OSError as error:
            raise UnusableKey(f"cannot be read from {path}: {error.strerror}") from error
        return found.st_mtime_ns, found.st_size, found.st_ino

    @staticmethod
    def _read(path: Path) -> str:
        try:
            text = path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise UnusableKey(f"cannot be read from {path}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise UnusableKey(f"cannot be read from {path}: it is not text") from error
        if not text:
            raise UnusableKey(f"cannot be read from {path}: the file is empty")
        return text
