"""Only what differs is planned, nothing is removed without prune, and what cannot be is said by line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from pipeline.declared.exporting import export
from pipeline.declared.models import CurrentLink, CurrentMirror, DeclaredLink, DeclaredMirror, Wanted
from pipeline.declared.planning import HIDDEN, Action, plan
from pipeline.declared.reading import read
from pipeline.link.states import MirrorStatus

FILTERS = '{"groupFilters":[{"name":"*","patternType":"LITERAL","filterType":"INCLUDE"}]}'
LINK = DeclaredLink(
    "east",
    {"source_cluster_id": "SRC"},
    {
        "bootstrap.servers": "a:9",
        "consumer.offset.group.filters": FILTERS,
        "sasl.jaas.config": "j",
        "acl.sync.ms": "5000",
    },
    (DeclaredMirror("orders", "orders", line=9),),
    line=2,
)
HERE = CurrentLink(
    "east",
    {"source_cluster_id": "SRC", "cluster_link_id": "0nqzJILoSAaEhxxtyzN33A"},
    {"bootstrap.servers": "a:9", "consumer.offset.group.filters": FILTERS.replace(":", ": ")},
    frozenset({"sasl.jaas.config"}),
    {"link.mode": "DESTINATION", "connection.mode": "OUTBOUND"},
    (CurrentMirror("orders", "orders", "ACTIVE"),),
)


def test_what_is_as_it_shall_be_needs_nothing() -> None:
    """A default is a value, filters are compared as JSON, a secret that is set stays."""
    assert plan([LINK], [HERE]).steps == ()
    assert plan([LINK], [HERE], prune=True).steps == ()


def test_a_new_link_comes_with_its_mirrors_and_shows_no_secret() -> None:
    paused = replace(LINK, mirrors=(DeclaredMirror("m", "m", Wanted.PAUSE), DeclaredMirror("p", "p", Wanted.PROMOTE)))
    steps = plan([paused], []).steps
    assert [s.action for s in steps] == [Action.CREATE_LINK, Action.CREATE_MIRROR, Action.PAUSE]
    assert {d.name: d.after for d in steps[0].differences}["sasl.jaas.config"] == HIDDEN


def test_values_that_differ_are_one_update() -> None:
    (step,) = plan([replace(LINK, configs={**LINK.configs, "acl.sync.ms": "7000"})], [HERE]).steps
    assert step.action is Action.UPDATE_LINK and step.values == {"acl.sync.ms": "7000"}
    (step,) = plan([LINK], [HERE], secrets=True).steps
    assert step.values == {"sasl.jaas.config": "j"} and step.differences[0].before == HIDDEN


def test_fixed_values_and_ids_are_conflicts() -> None:
    moved = replace(LINK, ids={"source_cluster_id": "OTHER"}, configs={**LINK.configs, "link.mode": "BIDIRECTIONAL"})
    found = plan([moved], [HERE])
    assert not found.steps and len(found.conflicts) == 2
    assert all(line == 2 for line, _ in found.conflicts)


@pytest.mark.parametrize("status", MirrorStatus)
@pytest.mark.parametrize("wanted", Wanted)
def test_every_state_leads_to_a_step_or_to_words_or_is_right(status: MirrorStatus, wanted: Wanted) -> None:
    link = replace(LINK, mirrors=(DeclaredMirror("orders", "orders", wanted, line=9),))
    found = plan([link], [replace(HERE, mirrors=(CurrentMirror("orders", "orders", status),))])
    expected = {
        ("ACTIVE", "pause"): Action.PAUSE,
        ("PENDING_MIRROR", "pause"): Action.PAUSE,
        ("PAUSED", "active"): Action.RESUME,
        ("PENDING_STOPPED", "failover"): Action.FAILOVER,
    }
    if wanted in (Wanted.PROMOTE, Wanted.FAILOVER) and status not in ("STOPPED", "PENDING_STOPPED"):
        expected[status.value, wanted.value] = Action(wanted.value)
    action = expected.get((status.value, wanted.value))
    assert [step.action for step in found.steps] == ([action] if action else [])
    is_lost = status in ("STOPPED", "PENDING_STOPPED", "FAILED") and wanted in (Wanted.ACTIVE, Wanted.PAUSE)
    assert bool(found.conflicts) is is_lost


def test_nothing_is_removed_unless_asked_for() -> None:
    bare = replace(LINK, configs={"bootstrap.servers": "a:9"}, mirrors=())
    other = replace(HERE, name="west")
    assert plan([bare], [HERE, other]).steps == ()
    reset, failover, delete = plan([bare], [HERE, other], prune=True).steps
    assert reset.values == {"consumer.offset.group.filters": None, "sasl.jaas.config": None}
    assert (failover.action, failover.mirror) == (Action.FAILOVER, "orders")
    assert (delete.action, delete.link) == (Action.DELETE_LINK, "west")


def test_mirrors_that_the_link_makes_itself_are_declared_by_its_filters() -> None:
    filters = '{"topicFilters":[{"name":"ord","patternType":"PREFIXED","filterType":"INCLUDE"}]}'
    configs = {**LINK.configs, "auto.create.mirror.topics.enable": "true", "auto.create.mirror.topics.filters": filters}
    here = replace(HERE, configs={**HERE.configs, **configs})
    assert plan([replace(LINK, configs=configs, mirrors=())], [here], prune=True).steps == ()


def test_a_mirror_of_another_source_is_a_conflict() -> None:
    here = replace(HERE, mirrors=(CurrentMirror("orders", "bills", "ACTIVE"),))
    assert plan([LINK], [here]).conflicts == ((9, "mirror orders mirrors bills, and cannot become one of orders"),)


def test_what_is_exported_is_read_back_and_changes_nothing() -> None:
    text = export(
        [HERE, CurrentLink("done", {}, {"bootstrap.servers": "b:9"}, mirrors=(CurrentMirror("o", "o", "STOPPED"),))]
    )
    assert yaml.safe_load(text)["links"][0]["configs"]["sasl.jaas.config"] == {"env": "EAST_SASL_JAAS_CONFIG"}
    jaas = "org.apache.kafka.common.security.plain.PlainLoginModule required username='k' password='s';"
    links = read(text, "f", Path(), {"EAST_SASL_JAAS_CONFIG": jaas})
    here = [HERE, CurrentLink("done", {}, {"bootstrap.servers": "b:9"}, mirrors=(CurrentMirror("o", "o", "STOPPED"),))]
    assert plan(links, here, prune=True).steps == ()
