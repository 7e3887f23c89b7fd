"""Secrets of links between the clear and the stored form (LINK-11, SEC-30..37).

In the clear they exist in the memory of a worker only. Whoever takes a command in seals its secrets before anything is
written (`seal_command`), whoever leads the link opens them to judge the command as a whole and seals what is kept
(`open_command`, `seal`), and whoever connects opens them again (`open`). A stored secret is bound to its cluster, link
and property.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from typing import Any

from pipeline.cluster.errors import SecretUnreadable
from pipeline.link.errors import InvalidProperties
from pipeline.link.link_rules import no_key
from pipeline.link.models import Command, Link
from pipeline.link.properties import PROPERTIES, SECRETS
from pipeline.secrets.encoder import Encoder
from pipeline.secrets.errors import SecretError
from pipeline.secrets.stored import is_stored

HIDDEN = "[hidden]"
ROWS: Mapping[str, str] = {"link.create": "configs", "link.update": "data"}
"""Kind of a command -> the argument in which properties of a link are given."""


class Sealing:
    """The secrets of one cluster's links. `cluster_id` is set before anything else is used."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.cluster_id = ""

    @property
    def can_encrypt(self) -> bool:
        """Whether there is a key to store secrets under (SEC-30)."""
        return self._encoder.can_seal

    def seal_command(self, command: Command) -> Command:
        """Give a command that may be written: secrets sealed, values of names that nobody knows left out.

        What an unknown name holds may well be a secret (`sasl.jaas.confg`), and the command is refused anyway. Raises
        InvalidProperties where there is no key.
        """
        in_clear = clear_secrets(command)
        if in_clear and not self.can_encrypt:
            raise InvalidProperties(no_key(in_clear))

        def sealed(name: str, value: str) -> str:
            if name not in PROPERTIES:
                return HIDDEN
            return self._seal(command.link, name, value) if name in in_clear else value

        return _with_values(command, sealed)

    def open_command(self, command: Command) -> Command:
        """Give the command with its secrets in the clear, to be judged and never written. Raises InvalidProperties."""
        problems: list[str] = []

        def opened(name: str, value: str) -> str:
            if name in SECRETS and is_stored(value):
                try:
                    return self._encoder.open(value, self._about(command.link, name)).text
                except SecretError as error:
                    problems.append(f"{name}: {error}")
            return value

        result = _with_values(command, opened)
        if problems:
            raise InvalidProperties(sorted(problems))
        return result

    def seal(self, link: str, configs: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
        """Give properties that may be stored: `names` among them are secrets still in the clear. Raises NoKey."""
        return {name: self._seal(link, name, value) if name in names else value for name, value in configs.items()}

    def open(self, link: Link) -> dict[str, str]:
        """Give a link's properties with the secrets in the clear. Raises SecretUnreadable naming the property."""
        opened = {}
        for name, value in link.configs.items():
            try:
                secret = name in SECRETS
                opened[name] = self._encoder.open(value, self._about(link.name, name)).text if secret else value
            except SecretError as error:
                raise SecretUnreadable(name, str(error)) from error
        return opened

    def resealed(self, link: Link) -> dict[str, str] | None:
        """Give a link's properties with every secret under the current key; None where they are so already (SEC-32).

        Raises SecretUnreadable.
        """
        fresh = {}
        for name in SECRETS & link.configs.keys():
            try:
                opened = self._encoder.open(link.configs[name], self._about(link.name, name))
            except SecretError as error:
                raise SecretUnreadable(name, str(error)) from error
            if not opened.is_current and self.can_encrypt:
                fresh[name] = self._seal(link.name, name, opened.text)
        return {**link.configs, **fresh} if fresh else None

    def _seal(self, link: str, name: str, value: str) -> str:
        return self._encoder.seal(value, self._about(link, name))

    def _about(self, link: str, name: str) -> tuple[str, str, str]:
        return (self.cluster_id, link, name)


def clear_secrets(command: Command) -> list[str]:
    """Names of the properties that a command gives in the clear though they are secrets."""
    rows = _rows(command)
    return sorted(
        {name for name, value in rows if name in SECRETS and value and value.strip() and not is_stored(value)}
    )


def refuse_clear_secrets(command: Command) -> None:
    """Refuse a record of the commands topic that others can read secrets in (SEC-34). Raises InvalidProperties."""
    names = clear_secrets(command)
    if names:
        raise InvalidProperties(
            [
                f"{name}: is a secret and was written to the commands topic in the clear, where others may have read "
                "it: change it, and give the new one over REST or the CLI (or set CLUSTERLINK_ALLOW_CLEAR_SECRETS)"
                for name in names
            ]
        )


def masked(command: Command) -> Command:
    """Give a command as logs may show it: no secrets, sealed or not, and no values of unknown names."""
    return _with_values(command, lambda name, value: HIDDEN if name in SECRETS or name not in PROPERTIES else value)


def _rows(command: Command) -> Iterator[tuple[str, str | None]]:
    for row in command.arguments.get(ROWS.get(command.kind, ""), ()):
        yield row["name"], row.get("value")


def _with_values(command: Command, change: Callable[[str, str], str]) -> Command:
    """The command with each property's value, where there is one, replaced by what `change(name, value)` gives."""
    argument = ROWS.get(command.kind)
    if argument is None or argument not in command.arguments:
        return command
    rows: list[dict[str, Any]] = [
        dict(row) if row.get("value") is None else {**row, "value": change(row["name"], row["value"])}
        for row in command.arguments[argument]
    ]
    return replace(command, arguments={**command.arguments, argument: rows})
