"""The two doors that an operator has: the `clusterlink` program, and REST v3.

A runbook is written in the verbs of a `Door` and run through each. What it waits for between two steps it may look up
as it likes: that is the test's, not the operator's.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple

from pipeline.local.cluster import LocalCluster
from tests.acceptance.operating import Operator
from tests.support.asking import Rest, checked


class Seen(NamedTuple):
    """A mirror as it is described, by partition where there is one."""

    status: str
    lags: list[int]
    last_source_fetch_offsets: list[int]


class Door(ABC):
    """What an operator can do. Names of configs have underscores for dots; what is refused fails the test."""

    name: str

    @abstractmethod
    def create_link(self, link: str, source: LocalCluster, **configs: str) -> None: ...

    @abstractmethod
    def configure(self, link: str, **configs: str) -> None: ...

    @abstractmethod
    def state(self, link: str) -> tuple[str, str]:
        """State and error of a link in the list of links, "NO_ERROR" for none."""

    @abstractmethod
    def links(self) -> list[str]: ...

    @abstractmethod
    def delete_link(self, link: str, *, failover_mirrors: bool = False, dry_run: bool = False) -> None: ...

    @abstractmethod
    def cannot_delete_link(self, link: str) -> str:
        """What is said when a link is to be deleted and is not."""

    @abstractmethod
    def create_mirror(self, link: str, topic: str) -> None: ...

    @abstractmethod
    def cannot_create_mirror(self, link: str, topic: str) -> str: ...

    @abstractmethod
    def describe(self, link: str, topic: str) -> Seen: ...

    @abstractmethod
    def operate(self, verb: str, link: str, *topics: str) -> None:
        """pause, resume, promote, failover."""

    @abstractmethod
    def cannot_operate(self, verb: str, link: str, topic: str) -> str:
        """What is said of a topic that an operation is refused for."""


class CommandLine(Door):
    """The real program, in a process of its own each time."""

    name = "cli"

    def __init__(self, operator: Operator) -> None:
        self._operator = operator

    def create_link(self, link: str, source: LocalCluster, **configs: str) -> None:
        where = ("--source-cluster", source.cluster_id, "--source-bootstrap-server", source.bootstrap_servers)
        self._operator.says("link", "create", link, *where, *_options(configs))

    def configure(self, link: str, **configs: str) -> None:
        self._operator.says("link", "update", link, *_options(configs))

    def state(self, link: str) -> tuple[str, str]:
        (row,) = [each for each in self._operator.knows("link", "list") if each["link_name"] == link]
        return row["state"], row.get("error", "NO_ERROR")

    def links(self) -> list[str]:
        return [row["link_name"] for row in self._operator.knows("link", "list")]

    def delete_link(self, link: str, *, failover_mirrors: bool = False, dry_run: bool = False) -> None:
        how = ["--failover-mirrors"] * failover_mirrors + ["--dry-run"] * dry_run
        self._operator.says("link", "delete", link, "--force", *how)

    def cannot_delete_link(self, link: str) -> str:
        return self._operator.is_refused("link", "delete", link, "--force")

    def create_mirror(self, link: str, topic: str) -> None:
        self._operator.says("mirror", "create", topic, "--link", link)

    def cannot_create_mirror(self, link: str, topic: str) -> str:
        return self._operator.is_refused("mirror", "create", topic, "--link", link)

    def describe(self, link: str, topic: str) -> Seen:
        rows = self._operator.knows("mirror", "describe", topic, "--link", link)
        lags, offsets = ([row[name] for row in rows] for name in ("partition_mirror_lag", "last_source_fetch_offset"))
        return Seen(rows[0]["mirror_status"], lags, offsets)

    def operate(self, verb: str, link: str, *topics: str) -> None:
        self._operator.says("mirror", verb, *topics, "--link", link)

    def cannot_operate(self, verb: str, link: str, topic: str) -> str:
        return self._operator.is_refused("mirror", verb, topic, "--link", link)


class OverRest(Door):
    """REST v3, as a client of the vendor's description speaks it."""

    name = "rest"

    def __init__(self, rest: Rest) -> None:
        self._rest = rest

    def create_link(self, link: str, source: LocalCluster, **configs: str) -> None:
        checked(self._rest.create_link(link, source, **configs))

    def configure(self, link: str, **configs: str) -> None:
        data = [{"name": name, "value": value} for name, value in _dotted(configs).items()]
        checked(self._rest.ask("PUT", f"/{link}/configs:alter", {"data": data}))

    def state(self, link: str) -> tuple[str, str]:
        (row,) = [each for each in self._links() if each["link_name"] == link]
        return row["link_state"], row["link_error"]

    def links(self) -> list[str]:
        return [row["link_name"] for row in self._links()]

    def delete_link(self, link: str, *, failover_mirrors: bool = False, dry_run: bool = False) -> None:
        params = {"force": str(failover_mirrors).lower(), "validate_only": str(dry_run).lower()}
        checked(self._rest.ask("DELETE", f"/{link}", **params))

    def cannot_delete_link(self, link: str) -> str:
        answer = self._rest.ask("DELETE", f"/{link}")
        assert answer.is_client_error, answer.text
        return str(answer.json()["message"])

    def create_mirror(self, link: str, topic: str) -> None:
        checked(self._rest.create_mirror(link, topic))

    def cannot_create_mirror(self, link: str, topic: str) -> str:
        answer = self._rest.create_mirror(link, topic)
        assert answer.is_client_error, answer.text
        return str(answer.json()["message"])

    def describe(self, link: str, topic: str) -> Seen:
        row = checked(self._rest.ask("GET", f"/{link}/mirrors/{topic}")).json()
        lags, offsets = ([each[name] for each in row["mirror_lags"]] for name in ("lag", "last_source_fetch_offset"))
        return Seen(row["mirror_status"], lags, offsets)

    def operate(self, verb: str, link: str, *topics: str) -> None:
        assert [row["error_code"] for row in self._operate(verb, link, *topics)] == [None] * len(topics)

    def cannot_operate(self, verb: str, link: str, topic: str) -> str:
        (row,) = self._operate(verb, link, topic)
        assert row["error_code"] == 400, row
        return str(row["error_message"])

    def _operate(self, verb: str, link: str, *topics: str) -> list[dict[str, Any]]:
        answer = self._rest.ask("POST", f"/{link}/mirrors:{verb}", {"mirror_topic_names": list(topics)})
        return list(checked(answer).json()["data"])

    def _links(self) -> list[dict[str, Any]]:
        return list(checked(self._rest.ask("GET", "")).json()["data"])


def _dotted(configs: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "."): value for name, value in configs.items()}


def _options(configs: Mapping[str, str]) -> list[str]:
    """One --config for each: a comma in a value stays what it is."""
    return [word for name, value in _dotted(configs).items() for word in ("--config", f"{name}={value}")]
