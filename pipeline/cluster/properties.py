"""Reading properties of one client: its names with their head, and refusals that name them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pipeline.cluster.errors import SecurityError


class Properties:
    """A view of the properties whose names begin with ``head``."""

    def __init__(self, values: Mapping[str, str], head: str = "") -> None:
        self._values = values
        self.head = head

    def get(self, name: str) -> str | None:
        """Return the value as it is, None when not set. An empty value counts as set."""
        return self._values.get(self.head + name)

    def text(self, name: str) -> str | None:
        """Return the value, None when not set or blank."""
        value = self.get(name)
        return value if value is not None and value.strip() else None

    def refused(self, name: str, problem: str) -> SecurityError:
        """Return the error that names this property. ``problem`` must not repeat a secret."""
        return SecurityError(self.head + name, problem)

    def one_of(self, name: str, allowed: Sequence[str], default: str, upper: bool = True) -> str:
        """Return one of the allowed words, in any case if ``upper``."""
        value = (self.text(name) or default).strip()
        value = value.upper() if upper else value
        if value not in allowed:
            raise self.refused(name, f"must be one of {', '.join(allowed)}, not {value!r}")
        return value

    def number(self, name: str, default: int, least: int = 0) -> int:
        """Return a whole number, ``least`` or more."""
        value = self.text(name)
        try:
            number = default if value is None else int(value)
        except ValueError:
            raise self.refused(name, f"must be a whole number, not {value!r}") from None
        if number < least:
            raise self.refused(name, f"must be {least} or more, not {number}")
        return number

    def fraction(self, name: str, default: float, least: float, most: float) -> float:
        """Return a number between ``least`` and ``most``."""
        value = self.text(name)
        try:
            number = default if value is None else float(value)
        except ValueError:
            raise self.refused(name, f"must be a number, not {value!r}") from None
        if not least <= number <= most:
            raise self.refused(name, f"must be between {least} and {most}, not {number}")
        return number

    def words(self, name: str) -> tuple[str, ...]:
        """Return the items of a comma-separated list."""
        return tuple(part.strip() for part in (self.get(name) or "").split(",") if part.strip())
