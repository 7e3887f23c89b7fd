"""What a worker asks about Faust, which it does not know (`pipeline/faust_vitals.py` answers)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class FaustHealth(Protocol):
    """Faust as others see it."""

    def beat(self) -> None: ...

    def ailment(self) -> str: ...

    def is_recovered(self) -> bool: ...

    def numbers(self) -> Mapping[str, float]: ...


class NoFaust:
    """Stands for Faust before there is one."""

    def beat(self) -> None:
        """Nothing beats yet."""

    def ailment(self) -> str:
        return ""

    def is_recovered(self) -> bool:
        return False

    def numbers(self) -> Mapping[str, float]:
        return {}
