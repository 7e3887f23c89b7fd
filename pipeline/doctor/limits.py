"""What brokers are configured to, as far as a link minds: one row a rule. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pipeline.cluster.errors import ClusterError
from pipeline.doctor.asking import Configs, Facts
from pipeline.doctor.finding import Finding, Side, Status

LEAST_PRODUCER_ID_MS = 15 * 60 * 1000
"""A worker goes on without a new reading for up to ten minutes (design.md)."""
LEAST_TRANSACTIONAL_ID_MS = 60 * 60 * 1000
ASSUMED = {"socket.request.max.bytes": "104857600", "message.max.bytes": "1048588"}
S, OK, NOTE, WARNING, ERROR = Side, Status.OK, Status.NOTE, Status.WARNING, Status.ERROR


@dataclass(frozen=True)
class Rule:
    """`is_wrong` tells from the configs of source and destination; `name` is the config that `side` has."""

    side: Side
    name: str
    is_wrong: Callable[[Configs, Configs], bool]
    status: Status
    mend: str


def _number(configs: Configs, name: str) -> int:
    return int(configs.get(name) or ASSUMED.get(name, "0"))


def _is_on(configs: Configs, name: str) -> bool:
    return configs.get(name) == "true"


RULES = (
    Rule(
        S.DESTINATION,
        "socket.request.max.bytes",
        lambda there, here: _number(here, "socket.request.max.bytes") < _number(there, "message.max.bytes"),
        ERROR,
        "Raise it above the source's message.max.bytes: larger batches cannot be mirrored (MIRROR-91).",
    ),
    Rule(
        S.DESTINATION,
        "producer.id.expiration.ms",
        lambda there, here: 0 < _number(here, "producer.id.expiration.ms") < LEAST_PRODUCER_ID_MS,
        WARNING,
        "Set it to 15 minutes or more: mirrors that rest longer begin with a new reading and a new claim each time.",
    ),
    Rule(
        S.DESTINATION,
        "transactional.id.expiration.ms",
        lambda there, here: 0 < _number(here, "transactional.id.expiration.ms") < LEAST_TRANSACTIONAL_ID_MS,
        WARNING,
        "Set it to an hour or more, where gaps are filled through the coordinator.",
    ),
    Rule(
        S.DESTINATION,
        "auto.create.topics.enable",
        lambda there, here: _is_on(here, "auto.create.topics.enable"),
        WARNING,
        "Set it to false: a client that asks for a topic before its mirror is there makes an empty one in its place.",
    ),
    Rule(
        S.SOURCE,
        "auto.create.topics.enable",
        lambda there, here: _is_on(there, "auto.create.topics.enable"),
        NOTE,
        "A topic deleted there may come back empty by itself; its mirror is FAILED then (MIRROR-40).",
    ),
    Rule(
        S.DESTINATION,
        "unclean.leader.election.enable",
        lambda there, here: _is_on(here, "unclean.leader.election.enable"),
        WARNING,
        "Set it to false: a mirror may lose acknowledged records, and is FAILED or repeats them.",
    ),
    Rule(
        S.SOURCE,
        "unclean.leader.election.enable",
        lambda there, here: _is_on(there, "unclean.leader.election.enable"),
        WARNING,
        "Set it to false: a source that loses records has its mirrors FAILED (MIRROR-18).",
    ),
    Rule(
        S.DESTINATION,
        "log.message.timestamp.type",
        lambda there, here: here.get("log.message.timestamp.type") == "LogAppendTime",
        NOTE,
        "Mirrors have CreateTime all the same, so that they keep the source's times (MIRROR-90).",
    ),
    Rule(
        S.DESTINATION,
        "delete.topic.enable",
        lambda there, here: here.get("delete.topic.enable") == "false",
        WARNING,
        "Set it to true, or mirrors cannot be deleted through clusterlink.",
    ),
    Rule(
        S.DESTINATION,
        "default.replication.factor",
        lambda there, here: _number(here, "default.replication.factor") < _number(here, "min.insync.replicas"),
        ERROR,
        "Set it to min.insync.replicas or more: nothing can be written to new topics otherwise.",
    ),
)
_SHOWN = ("message.max.bytes", "log.message.timestamp.before.max.ms", "log.message.timestamp.after.max.ms")
"""Told of both sides, without a judgement: mirrors have settings of their own for them (MIRROR-90, MIRROR-91)."""


def limits(source: Facts, destination: Facts) -> Iterator[Finding]:
    """One finding for each rule, and what both sides have for people to compare."""
    there, here = source.configs, destination.configs
    for side, configs in ((S.SOURCE, there), (S.DESTINATION, here)):
        if isinstance(configs, ClusterError):
            mend = "Give DESCRIBE_CONFIGS on the cluster, or look at the brokers' configuration yourself."
            yield Finding(side, "limits", Status.UNKNOWN, str(configs), mend)
        else:
            shown = ", ".join(f"{name}={configs[name]}" for name in _SHOWN if name in configs)
            yield Finding(side, "limits", OK, shown or "the brokers do not tell")
    if isinstance(there, ClusterError) or isinstance(here, ClusterError):
        return
    for rule in RULES:
        value = (there if rule.side is S.SOURCE else here).get(rule.name, "(not told)")
        if rule.is_wrong(there, here):
            yield Finding(rule.side, rule.name, rule.status, value, rule.mend)
        else:
            yield Finding(rule.side, rule.name, OK, value)
