"""The faults, one row each: what is done, and then undone; the run waits after each until the mirror has caught up."""

from __future__ import annotations

import contextlib
import random
import resource
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from confluent_kafka import ElectionType, KafkaException

from pipeline.local.cluster import LocalCluster
from tests.chaos.mishaps import MISHAPS, befall
from tests.chaos.topics import TOPICS
from tests.chaos.weather import Weather, WeatherCable
from tests.chaos.world import BACK_WITHIN_S, CONTROL_PARTITIONS, SIDES, World
from tests.support.clients import TIMEOUT_S, admin, set_config
from tests.support.workers import WorkerProcess, wait_until


@dataclass(frozen=True)
class Hand:
    """Whom a fault meets, drawn before it is done, so that a run can be replayed."""

    worker: int
    side: str
    broker: int
    both: bool
    """Of a network fault: all workers' ways, not one's."""
    seconds: float
    topic: int
    value: int


class Fault(NamedTuple):
    """`do` returns when the fault is over and everything has been started again."""

    name: str
    do: Callable[[World, Hand], None]
    weight: int = 2
    needs: Callable[[World], str | None] = lambda _: None
    """The side it has to be done on, where it is not any."""


def draw(seed: int, number: int, world: World, only: str = "") -> tuple[Fault, Hand]:
    """The fault of a round, of those with `only` in their name; the same for the same seed and number."""
    dice = random.Random(f"{seed} round {number}")
    possible = [each for each in FAULTS if each.needs(world) != "none" and only in each.name]
    fault = dice.choices(possible, [each.weight for each in possible])[0]
    side = fault.needs(world) or dice.choice(SIDES)
    broker = dice.choice(list(world.clusters[side].node_ids))
    return fault, Hand(
        dice.randrange(len(world.workers)),
        side,
        broker,
        dice.random() < 0.5,
        dice.uniform(1, 8),
        dice.randrange(len(TOPICS)),
        dice.randrange(1000),
    )


def _terminate(world: World, hand: Hand) -> None:
    worker = world.workers[hand.worker]
    _end(world, worker)
    _taken_over(world, worker)
    _start(world, worker)


def _kill(world: World, hand: Hand) -> None:
    worker = world.workers[hand.worker]
    world.down.append(worker)
    worker.kill()
    _taken_over(world, worker)
    _start(world, worker)


def _kill_both(world: World, hand: Hand) -> None:
    for worker in world.workers:
        worker.kill()
    for worker in world.workers:
        _start(world, worker)


def _wipe(world: World, hand: Hand) -> None:
    worker = world.workers[hand.worker]
    worker.kill()
    shutil.rmtree(worker.folder / "data")
    _start(world, worker)


def _freeze(world: World, hand: Hand) -> None:
    worker = world.workers[hand.worker]
    worker.freeze()
    try:
        _taken_over(world, worker)
        time.sleep(hand.seconds)
    finally:
        worker.thaw()
    wait_until(world.shared, "the work is shared again", BACK_WITHIN_S)


def _hiccup(world: World, hand: Hand) -> None:
    """Frozen for shorter than the session timeout, again and again: what is in flight gets old."""
    worker = world.workers[hand.worker]
    for _ in range(4):
        worker.freeze()
        time.sleep(hand.seconds / 3)
        worker.thaw()
        time.sleep(0.5)


def _crawl(world: World, hand: Hand) -> None:
    """A tenth of its time, in slices: an event loop that is late with everything, as on a machine that has too much to
    do.
    """
    worker = world.workers[hand.worker]
    until = time.monotonic() + 2 * hand.seconds
    while time.monotonic() < until:
        worker.freeze()
        time.sleep(0.18)
        worker.thaw()
        time.sleep(0.02)


def _jump(world: World, hand: Hand) -> None:
    """Hours to and fro; the other workers' clocks stay, and this one's stays wrong for the rounds that follow."""
    world.clocks[hand.worker].jump(hand.value % 13 - 6 or 12)
    time.sleep(hand.seconds)


def _roll(world: World, hand: Hand) -> None:
    for worker in world.workers:
        _end(world, worker)
        _start(world, worker)


def _fill_disk(world: World, hand: Hand) -> None:
    """No file of this worker may grow: what it writes to its table stores is refused, as by a full disk.

    It ends at the first refusal, and starts again where there is room.
    """
    worker = world.workers[hand.worker]
    world.down.append(worker)
    _, most = resource.prlimit(worker.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (1, most))
    worker.wait_for_end(BACK_WITHIN_S)
    time.sleep(hand.seconds)
    _start(world, worker)


def _end(world: World, worker: WorkerProcess) -> None:
    world.supervise()  # it may have had reasons of its own to end
    world.down.append(worker)
    try:
        world.slowest_end_s = max(world.slowest_end_s, worker.terminate())
    except AssertionError as late:
        world.late_ends += 1
        world.say(f"    {late}")


def _start(world: World, worker: WorkerProcess) -> None:
    if not worker.is_running():
        worker.launch()
    if worker in world.down:
        world.down.remove(worker)
    worker.wait_until_ready()
    wait_until(world.shared, "the work is shared again", BACK_WITHIN_S)


def _taken_over(world: World, gone: WorkerProcess) -> None:
    others = [each for each in world.workers if each is not gone]

    def have_everything() -> bool:
        world.supervise()  # they may have had reasons of their own to end
        return sum(len(each.owned) for each in others) == CONTROL_PARTITIONS

    wait_until(have_everything, "the other workers have everything", BACK_WITHIN_S)
    wanted = world.watch.source_ends
    wait_until(lambda: world.watch.mirror_has(wanted), f"the mirror has {wanted}", BACK_WITHIN_S)
    world.taken_over_s = world.watch.most_behind_s


def _broker(hard: bool) -> Callable[[World, Hand], None]:
    def do(world: World, hand: Hand) -> None:
        cluster = world.clusters[hand.side]
        cluster.stop_broker(hand.broker, hard=hard)
        time.sleep(hand.seconds)
        cluster.start_broker(hand.broker)
        if cluster.options.brokers > 1:
            _elect(cluster)

    return do


def _elect(cluster: LocalCluster) -> None:
    """Preferred leaders lead again, as far as they can."""
    client = admin(cluster)
    with contextlib.suppress(KafkaException):  # some are not in sync yet; the brokers do it themselves later
        # no timeout of its own: confluent-kafka 2.x raises SystemError for every one that it is given
        client.elect_leaders(ElectionType.PREFERRED, None).result(2 * TIMEOUT_S)


def _move_leaders(world: World, hand: Hand) -> None:
    cluster = world.clusters[hand.side]
    cluster.stop_broker(hand.broker)
    cluster.start_broker(hand.broker)
    time.sleep(hand.seconds)
    _elect(cluster)


def _three(world: World) -> str | None:
    return next((side for side in SIDES if world.clusters[side].options.brokers > 1), "none")


def _configure(world: World, hand: Hand) -> None:
    """Something of the topic that changes how its log looks, not what is in it."""
    name, values = list(CONFIGS.items())[hand.value % len(CONFIGS)]
    set_config(world.clusters["source"], TOPICS[hand.topic].name, name, values[hand.value % len(values)])


CONFIGS: Mapping[str, tuple[str, ...]] = {
    "segment.bytes": ("1048576", "2097152"),
    "max.message.bytes": ("1048588", "2097152"),
    "compression.type": ("producer", "zstd", "gzip"),
    "message.timestamp.type": ("CreateTime",),
    "segment.ms": ("15000", "20000"),
}


def _network(weather: Weather) -> Callable[[World, Hand], None]:
    def do(world: World, hand: Hand) -> None:
        cables = _cables(world, hand)
        for cable in cables:
            cable.turns(weather)
        time.sleep(hand.seconds)
        for cable in cables:
            cable.clears()

    return do


def _answers_lost(world: World, hand: Hand) -> None:
    """Short, and several times: each time appends have happened that nobody was told of."""
    cables = _cables(world, hand)
    for _ in range(5):
        for cable in cables:
            cable.turns(Weather(loses_answers=True))
        time.sleep(hand.seconds / 8)
        for cable in cables:
            cable.clears()
        time.sleep(1.0)


def _half_open(world: World, hand: Hand) -> None:
    for cable in _cables(world, hand):
        cable.strands()


def _cables(world: World, hand: Hand) -> list[WeatherCable]:
    workers = range(len(world.workers)) if hand.both else (hand.worker,)
    return [cable for worker in workers for cable in world.cables[worker, hand.side]]


def _mishap(name: str) -> Callable[[World, Hand], None]:
    return lambda world, hand: befall(world, name, hand.value)


FAULTS = (
    Fault("worker: SIGTERM", _terminate, 3),
    Fault("worker: SIGKILL", _kill, 4),
    Fault("workers: all killed", _kill_both, 1),
    Fault("worker: frozen past its session (zombie)", _freeze, 3),
    Fault("worker: frozen again and again", _hiccup),
    Fault("worker: slow event loop", _crawl),
    Fault("worker: clock jumps", _jump, 1),
    Fault("worker: data directory deleted", _wipe),
    Fault("worker: disk full for a while", _fill_disk, 1),
    Fault("workers: rolling restart", _roll, 1),
    Fault("broker: kill -9", _broker(hard=True), 3),
    Fault("broker: controlled shutdown", _broker(hard=False)),
    Fault("broker: leaders move", _move_leaders, 3, needs=_three),
    Fault("source topic: config", _configure, 1),
    Fault("network: cut", _network(Weather(is_cut=True))),
    Fault("network: black hole", _network(Weather(loses_requests=True, loses_answers=True))),
    Fault("network: latency of 200 ms", _network(Weather(latency_s=0.2)), 1),
    Fault("network: 3 % of pieces reset", _network(Weather(reset_share=0.03)), 1),
    Fault("network: 1 % of connections reset", _network(Weather(reset_connections=0.01)), 1),
    Fault("network: half-open", _half_open),
    Fault("network: 64 KiB a second", _network(Weather(bytes_per_s=1 << 16)), 1),
    Fault("network: answers lost after the append", _answers_lost, 4),
    *(Fault(name, _mishap(name), 1) for name in MISHAPS),
)
