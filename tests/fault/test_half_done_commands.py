"""The worker that carries out a command dies between its steps: another one ends it, with one answer (CLI-65)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipeline.control.keys import link_partition
from pipeline.lifecycle.mirror_commands import CREATING
from pipeline.local.cluster import LocalCluster
from tests.support.asking import CommandsTopic, Rest, assert_equal, checked, wait_for_ends
from tests.support.clients import create_topic, delete_topic, topic_names
from tests.support.producing import numbered, produce
from tests.support.table_rows import TableRows
from tests.support.workers import WorkerProcess, wait_until


@contextmanager
def two_workers(cluster: LocalCluster, folder: Path) -> Iterator[tuple[WorkerProcess, WorkerProcess]]:
    one = WorkerProcess(cluster.bootstrap_servers, folder)
    two = WorkerProcess(cluster.bootstrap_servers, folder, one.app_id)
    with one, two:
        wait_until(lambda: one.owned and two.owned and not one.owned & two.owned, "the work is shared", 120)
        yield one, two


@pytest.mark.timeout(500)
def test_kill_9_between_the_steps_of_creating_a_mirror(
    source: LocalCluster, destination: LocalCluster, tmp_path: Path, unique: Callable[[str], str]
) -> None:
    """At three moments: the request is remembered; the topic is about to be made; the topic is there."""
    link = unique("link")
    with (
        two_workers(destination, tmp_path) as (one, two),
        CommandsTopic(destination, one.app_id) as commands,
    ):
        with Rest(one, destination) as rest:
            checked(rest.create_link(link, source))
        rows = TableRows(destination, one.app_id, "requests", commands.partitions)
        topic = ""
        moments: dict[str, Callable[[str], object]] = {
            "remembered": rows.row,
            "about to make the topic": lambda command_id: rows.row(command_id).get("stage") == CREATING,
            "topic made": lambda _: topic in topic_names(destination),
        }
        for name, has_come in moments.items():
            topic = unique("topic")
            create_topic(source, topic)
            produce(source, topic, numbered(20))
            home = link_partition(link, commands.partitions)
            wait_until(lambda home=home: (home in one.owned) != (home in two.owned), "the link has one leader", 120)
            leader, other = (one, two) if home in one.owned else (two, one)
            command_id = commands.command("mirror.create", link, {"source_topic_name": topic})
            wait_until(lambda has_come=has_come, i=command_id: has_come(i), name, poll_s=0.001)
            leader.kill()
            result = commands.result(command_id)
            assert result["status"] == 200, (name, result)
            with Rest(other, destination) as rest:
                rest.wait_for_status(link, topic)
            wait_for_ends(source, destination, topic)
            assert_equal(source, destination, topic)
            leader.launch()
            leader.wait_until_ready()
            commands.poll()
            print(f"{name}: done by {'the killed one' if result['worker'].endswith(leader.url[-6:]) else 'the other'}")
            # a worker that died before it had committed what it did says it again; it never says anything else
            assert commands.results_of(command_id) == [result] * len(commands.results_of(command_id))
        rows.close()


@pytest.mark.timeout(300)
def test_a_refusal_after_the_topic_was_made_leaves_no_topic(
    source: LocalCluster, destination: LocalCluster, tmp_path: Path, unique: Callable[[str], str]
) -> None:
    """The only worker dies with the topic made; before the next one starts the source topic goes away."""
    link, attempts = unique("link"), 10
    with (
        WorkerProcess(destination.bootstrap_servers, tmp_path) as worker,
        CommandsTopic(destination, worker.app_id) as commands,
    ):
        with Rest(worker, destination) as rest:
            checked(rest.create_link(link, source))
        rows = TableRows(destination, worker.app_id, "requests", commands.partitions)
        status = 200
        while status == 200 and attempts:  # where the worker was quicker than its end, again with another topic
            attempts -= 1
            topic = unique("topic")
            create_topic(source, topic)
            command_id = commands.command("mirror.create", link, {"source_topic_name": topic})
            wait_until(
                lambda i=command_id: rows.row(i).get("stage") == CREATING, "it is about to make the topic", poll_s=0.001
            )
            worker.kill()
            delete_topic(source, topic)
            worker.launch()
            worker.wait_until_ready()
            result = commands.result(command_id)
            status = result["status"]
        assert (result["status"], result["error_code"]) == (404, 40403)
        assert commands.results_of(command_id) == [result] * len(commands.results_of(command_id))
        with Rest(worker, destination) as rest:
            assert topic not in rest.mirrors(link)
        wait_until(lambda: topic not in topic_names(destination), "the topic is gone")
        rows.close()
