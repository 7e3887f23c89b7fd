"""What befalls a topic, done to one of its own: each is noticed, named, and followed or refused, under the load of all.

The topics of the load stay as they are: a mirror that has failed for a good reason would end the run. What goes wrong
here is a finding, or an AssertionError, which counts as stuck.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.chaos.world import BACK_WITHIN_S, LINK, World
from tests.support.asking import Rest, checked, wait_for_ends
from tests.support.clients import create_topic, delete_records, delete_topic, set_config
from tests.support.consuming import consume
from tests.support.producing import Sent, numbered, produce
from tests.support.workers import wait_until

LARGE = 2 << 20


@dataclass
class Victim:
    """A mirrored topic of one partition, which has everything when the mishap begins."""

    world: World
    rest: Rest
    topic: str
    dice: random.Random
    written: list[bytes | None] = field(default_factory=list)
    """Values of the source topic, at the offsets from 0 on."""

    def write(self, records: list[Sent], **conf: int) -> None:
        produce(self.world.clusters["source"], self.topic, records, **conf)
        self.written += [record.value for record in records]

    def write_some(self) -> None:
        self.write(numbered(self.dice.randint(10, 60), len(self.written)))

    def wait_until_copied(self) -> None:
        clusters = self.world.clusters
        wait_for_ends(clusters["source"], clusters["destination"], self.topic, within_s=BACK_WITHIN_S)

    def wait_until_failed(self, error: str) -> None:
        self.rest.wait_for_status(LINK, self.topic, "FAILED", BACK_WITHIN_S)
        found = self.rest.mirror(LINK, self.topic)["mirror_topic_error"]
        assert found == error, f"{self.topic} failed with {found}, not {error}"

    def asked(self, operation: str, status: str) -> None:
        checked(self.rest.ask("POST", f"/{LINK}/mirrors:{operation}", {"mirror_topic_names": [self.topic]}))
        self.rest.wait_for_status(LINK, self.topic, status, BACK_WITHIN_S)

    def compare(self, wanted: list[bytes | None], start: int = 0, *, is_all: bool = True) -> None:
        """The mirror shows these from offset `start` on, one at each offset, and nothing else where they are all."""
        records = consume(self.world.clusters["destination"], self.topic, isolation="read_uncommitted")
        found = [(record.offset, record.value) for record in records]
        if (found if is_all else found[: len(wanted)]) != list(enumerate(wanted, start)):
            words = f"{self.topic} holds {len(found)} records, not these {len(wanted)} from {start} on"
            self.world.checker.findings.add("shifted", words)


def _made_again(victim: Victim) -> None:
    """Another topic of the same name at the source: nothing of it comes over (MIRROR-19)."""
    source, before = victim.world.clusters["source"], list(victim.written)
    delete_topic(source, victim.topic)
    create_topic(source, victim.topic, 1, _replicas(victim.world))
    produce(source, victim.topic, numbered(200, 5000))
    victim.wait_until_failed("SOURCE_TOPIC_ID_CHANGED")
    victim.compare(before)


def _mirror_made_again(victim: Victim) -> None:
    """The mirror's topic goes, and another comes: it is no mirror any more, or a failed one (MIRROR-69)."""
    destination = victim.world.clusters["destination"]
    delete_topic(destination, victim.topic)
    create_topic(destination, victim.topic)
    victim.write_some()

    def is_noticed() -> bool:
        return victim.rest.mirror(LINK, victim.topic).get("mirror_status") in (None, "FAILED")

    wait_until(is_noticed, f"{victim.topic} is no mirror any more", BACK_WITHIN_S, 0.25)


def _written_to(victim: Victim) -> None:
    """Somebody else writes to the mirror: it fails, at the latest by where the next append has landed (MIRROR-4)."""
    before = list(victim.written)
    foreign = numbered(victim.dice.randint(1, 5), 9000)
    produce(victim.world.clusters["destination"], victim.topic, foreign)
    victim.write_some()
    victim.wait_until_failed("ILLEGAL_STATE")
    victim.compare([*before, *(record.value for record in foreign)], is_all=False)


def _overtaken(victim: Victim) -> None:
    """What comes next is deleted before it was copied: the range is told, and the rest copied (MIRROR-14)."""
    copied = len(victim.written)
    victim.asked("pause", "PAUSED")
    victim.write_some()
    start = victim.dice.randint(copied + 1, len(victim.written) - 1)
    delete_records(victim.world.clusters["source"], victim.topic, start)
    victim.asked("resume", "ACTIVE")
    victim.wait_until_copied()

    def is_told() -> bool:
        (state,) = victim.rest.mirror(LINK, victim.topic)["partition_states"]
        return bool(state["lost"] == [[copied, start - 1]])

    wait_until(is_told, f"{victim.topic} tells that {copied} to {start - 1} are lost", BACK_WITHIN_S, 0.25)
    victim.compare(victim.written[start:], start)


def _too_large(victim: Victim) -> None:
    """Larger than the mirror takes: it takes it from then on (MIRROR-90)."""
    set_config(victim.world.clusters["source"], victim.topic, "max.message.bytes", str(2 * LARGE))
    victim.write([Sent(victim.dice.randbytes(LARGE))], **{"message.max.bytes": 2 * LARGE})
    victim.write_some()
    victim.wait_until_copied()
    victim.compare(victim.written)


MISHAPS: dict[str, Callable[[Victim], None]] = {
    "topic: source made again": _made_again,
    "topic: mirror made again": _mirror_made_again,
    "topic: written to by somebody": _written_to,
    "topic: retention overtakes the mirror": _overtaken,
    "topic: larger messages": _too_large,
}


def befall(world: World, name: str, seed: int) -> None:
    """One of them, to a topic that is mirrored for it and goes with its mirror afterwards."""
    with _victim(world, seed) as victim:
        MISHAPS[name](victim)


@contextmanager
def _victim(world: World, seed: int) -> Iterator[Victim]:
    source, destination = world.clusters["source"], world.clusters["destination"]
    topic = f"victim-{uuid.uuid4().hex[:8]}"
    create_topic(source, topic, 1, _replicas(world))
    with Rest(world.workers[0], destination) as rest:
        victim = Victim(world, rest, topic, random.Random(seed))
        victim.write_some()
        checked(rest.create_mirror(LINK, topic))
        rest.wait_for_status(LINK, topic, within_s=BACK_WITHIN_S)
        victim.wait_until_copied()
        yield victim
        if rest.mirror(LINK, topic):
            checked(rest.ask("DELETE", f"/{LINK}/mirrors/{topic}"))
        else:
            delete_topic(destination, topic)
    delete_topic(source, topic)


def _replicas(world: World) -> int:
    return min(3, world.clusters["source"].options.brokers)
