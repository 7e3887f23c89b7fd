"""What a row of the property table is: name, type, default, validity, mutability, modes, secrecy, sentence, spec id.

A value travels as a string (LINK-1). `Property.read` gives it as a Python value or raises ValueError with a
sentence that says what would be right; the sentence never holds the value of a secret (SEC-34). `Property.normal`
gives the string that is stored: words in upper case, booleans in lower case, filters in their canonical form if
they were not (CONF-15, CONF-16).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from pipeline.link.names import shorten
from pipeline.link.states import LinkMode

D, S, B = LinkMode.DESTINATION, LinkMode.SOURCE, LinkMode.BIDIRECTIONAL
EVERY_MODE = frozenset(LinkMode)
RECEIVING = frozenset({D, B})
"""Modes that mirrors can live in: what belongs to inbound data."""
DIALLING_BACK = frozenset({S, B})
"""Modes that may have to give the other side access to their own cluster (MODE-42)."""


class Type(StrEnum):
    """Type of a property's value."""

    STRING = "string"
    BOOLEAN = "boolean"
    INT = "int"
    LONG = "long"
    DOUBLE = "double"
    LIST = "list"
    WORD = "word"


_BITS = {Type.INT: 31, Type.LONG: 63}


@dataclass(frozen=True)
class Property:
    """One property. `default` is the string that holds when it is not set, None for none.

    `check` gets the typed value and raises ValueError; `normalise` gets the text. `choices` are matched in any case.
    `refused`, `ignored`: why a property of the original may not be set here, or has no effect.
    """

    name: str
    type: Type
    default: str | None
    sentence: str
    spec_id: str
    mutable: bool = True
    modes: frozenset[LinkMode] = EVERY_MODE
    secret: bool = False
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    check: Callable[[Any], None] | None = None
    normalise: Callable[[str], str] | None = None
    read_only: bool = False
    refused: str = ""
    ignored: str = ""

    @property
    def empty_is_unset(self) -> bool:
        """An empty string means the same as no value, where there is no default and the type allows none."""
        return self.default is None and self.type in (Type.STRING, Type.LIST, Type.WORD)

    def read(self, text: str) -> Any:
        """Give the typed value; ValueError says what is wrong, without naming the property."""
        value = self._typed(text)
        if self.minimum is not None and value < self.minimum:
            raise ValueError(f"{text} is below the minimum {self._bound(self.minimum)}")
        if self.maximum is not None and value > self.maximum:
            raise ValueError(f"{text} is above the maximum {self._bound(self.maximum)}")
        if self.check is not None:
            self.check(value)
        return value

    def normal(self, text: str) -> str:
        """Give the form that is stored and listed; ValueError as `read`."""
        value = self.read(text)
        if self.normalise is not None:
            return self.normalise(text)
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, tuple):
            return ",".join(value)
        return str(value) if self.type in (Type.WORD, Type.INT, Type.LONG) else text

    @property
    def typed_default(self) -> Any:
        """The default as a typed value; None where there is none."""
        return None if self.default is None else self._typed(self.default)

    @property
    def valid(self) -> str:
        """Which values are right, in words, for the documentation."""
        if self.choices:
            return ", ".join(choice or "(empty)" for choice in self.choices)
        if self.minimum is not None and self.maximum is not None:
            return f"{self._bound(self.minimum)} to {self._bound(self.maximum)}"
        return "" if self.minimum is None else f"{self._bound(self.minimum)} or more"

    def _typed(self, text: str) -> Any:
        match self.type:
            case Type.BOOLEAN:
                return _boolean(text)
            case Type.INT | Type.LONG:
                return _integer(text, _BITS[self.type])
            case Type.DOUBLE:
                return _double(text)
            case Type.LIST:
                return tuple(part for part in (raw.strip() for raw in text.split(",")) if part)
            case Type.WORD:
                return self._word(text)
            case _:
                return text

    def _word(self, text: str) -> str:
        for choice in self.choices:
            if choice.upper() == text.strip().upper():
                return choice
        raise ValueError(f"'{shorten(text)}' is not one of {', '.join(choice or '(empty)' for choice in self.choices)}")

    def _bound(self, bound: float) -> str:
        return f"{bound:g}" if self.type is Type.DOUBLE else str(int(bound))


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word not in ("true", "false"):
        raise ValueError(f"'{shorten(text)}' is neither true nor false")
    return word == "true"


def _integer(text: str, bits: int) -> int:
    digits = text.strip()
    if not digits.removeprefix("-").isdecimal() or not digits.isascii() or len(digits) > 20:
        raise ValueError(f"'{shorten(text)}' is not a whole number")
    number = int(digits)
    if not -(1 << bits) <= number < 1 << bits:
        raise ValueError(f"{digits} does not fit into {bits + 1} bits")
    return number


def _double(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"'{shorten(text)}' is not a number")
    return number
