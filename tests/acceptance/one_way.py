"""Two workers, of which only the one beside the private cluster can open connections to the other cluster (MODE-43)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.local.cluster import LocalCluster
from tests.support.asking import Rest, checked
from tests.support.capturing import Capture
from tests.support.networks import Network
from tests.support.workers import WorkerProcess, wait_until

OFTEN = {"availability_check_ms": "1000", "availability_check_consecutive_failure_threshold": "6"}
"""Six seconds of silence: no sign of life comes in time on a machine that is busier than that."""


@dataclass
class OneWay:
    """Whoever is `public` reaches the public cluster and nothing else: its network has no way to the private one."""

    public: WorkerProcess
    private: WorkerProcess
    network: Network
    """Of the private worker."""
    here: Rest
    """The public side's."""
    there: Rest
    """The private side's."""
    port: int
    """Of the public cluster: what the private worker dials."""
    private_port: int
    """Of the private cluster."""
    captures: tuple[Capture, Capture]
    """Of the public worker's network and of the private one's, since before the workers were there."""

    def check_that_nobody_dialled_in(self) -> None:
        """MODE-45: whatever was opened so far, on the private side it was opened by the private worker.

        The tests themselves come in, to its REST port: that shows that who does is seen, and that all was.
        """
        here, there = (int(worker.url.rpartition(":")[2]) for worker in (self.public, self.private))
        for capture, worker, port in zip(self.captures, (self.public, self.private), (here, there), strict=True):
            before = capture.opened[port]
            assert worker.is_ready()
            wait_until(lambda c=capture, p=port, n=before: c.opened[p] > n, "a connection from outside is seen")
        public, private = self.captures
        assert public.opened.keys() <= {self.port, here}, "the public worker never even tried another way"
        assert private.opened.keys() <= {self.port, self.private_port, there}
        assert private.opened[self.port], "the private worker dialled, which was seen too"


@contextmanager
def one_way(
    public: LocalCluster,
    private: LocalCluster,
    folder: Path,
    public_user: str = "",
    private_user: str = "",
    **more: str,
) -> Iterator[OneWay]:
    """Both workers, ready; `more` are settings of both. With users they log in to their own clusters."""
    with Network() as outside, Network() as inside:
        outside.opens(port_of(public))
        inside.opens(port_of(private), port_of(public))
        given = [
            more | (_login(cluster, user, folder) if user else {})
            for cluster, user in ((public, public_user), (private, private_user))
        ]
        one = WorkerProcess(public.bootstrap_servers, folder, network=outside, **given[0])
        two = WorkerProcess(private.bootstrap_servers, folder, one.app_id, network=inside, **given[1])
        with (
            Capture(outside) as seen_outside,
            Capture(inside) as seen_inside,
            one,
            two,
            Rest(one, public) as here,
            Rest(two, private) as there,
        ):
            captures = seen_outside, seen_inside
            yield OneWay(one, two, inside, here, there, port_of(public), port_of(private), captures)


def create_mirror(rest: Rest, link: str, topic: str) -> None:
    """Create a mirror, again where the other side is taken to be away for a moment (503: nothing was done)."""
    answers = []

    def is_there() -> bool:
        answers.append(rest.create_mirror(link, topic))
        return answers[-1].status_code != 503 or bool(rest.mirror(link, topic))

    wait_until(is_there, f"somebody carries out the creation of {topic}", 150, 1)
    assert rest.mirror(link, topic), [answer.text for answer in answers]


def operate(rest: Rest, verb: str, link: str, topic: str) -> None:
    """Ask for an operation on a mirror, again where the other side is taken to be away for a moment."""
    answers = []

    def is_accepted() -> bool:
        answers.append(rest.ask("POST", f"/{link}/mirrors:{verb}", {"mirror_topic_names": [topic]}))
        return answers[-1].is_success and answers[-1].json()["data"][0]["error_code"] is None

    try:
        wait_until(is_accepted, f"{verb} of {topic} is accepted", poll_s=1)
    except AssertionError as refused:
        refused.add_note(answers[-1].text)
        raise


def row(rest: Rest, link: str) -> dict[str, Any]:
    return dict(checked(rest.ask("GET", f"/{link}")).json())


def wait_for_state(rest: Rest, link: str, wanted: str, within_s: float = 120) -> float:
    try:
        return wait_until(lambda: row(rest, link)["link_state"] == wanted, f"{link} is {wanted}", within_s, 0.25)
    except AssertionError as late:
        late.add_note(f"it is {row(rest, link)}")
        raise


def port_of(cluster: LocalCluster) -> int:
    return int(cluster.bootstrap_servers.rpartition(":")[2])


def _login(cluster: LocalCluster, user: str, folder: Path) -> dict[str, str]:
    config = folder / f"{cluster.cluster_id}-{user}.config"
    config.write_text("".join(f"{name}={value}\n" for name, value in cluster.client_properties(user).items()))
    return {"command_config": str(config)}
