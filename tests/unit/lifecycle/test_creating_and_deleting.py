"""Creating and deleting mirrors: what is checked, made, and taken over by whoever repeats it (MIRROR-56, MIRROR-69)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from pipeline.cluster.administration.configs import ConfigSource, ConfigValue
from pipeline.cluster.administration.topics import CreatedTopic
from pipeline.cluster.errors import ClusterError, KafkaFailure, TimedOut, Unreachable
from pipeline.cluster.metadata import PartitionInfo, TopicInfo
from pipeline.control.read_model import Request
from pipeline.lifecycle.context import Context
from pipeline.lifecycle.decisions import Decision
from pipeline.lifecycle.mirror_commands import CREATING, create_mirror, delete_mirrors
from pipeline.link.errors import Invalid, KafkaRetriable, LinkError, LinkNotFound, RemoteTimedOut, TopicNotFound
from pipeline.link.models import Command, Link
from pipeline.link.states import LinkState, MirrorStatus
from tests.unit.lifecycle.rows import LINK, Rows, mirror

ID, OTHER_ID = "AAAAAAAAAAAAAAAAAAAAAQ", "AAAAAAAAAAAAAAAAAAAAAg"
CREATE = Command("c", "l", "mirror.create", {"source_topic_name": "m"})
DELETE = Command("c", "l", "mirror.delete", {"mirror_topic_names": ["m"]})
CONFIGS = {"cleanup.policy": "delete", "compression.type": "zstd", "max.message.bytes": "1000", "retention.ms": "7"}


def topic(name: str, topic_id: str, operations: Iterable[str] = ()) -> TopicInfo:
    info = PartitionInfo(0, 0, (0,))
    return TopicInfo(name, topic_id, {0: info, 1: info}, operations=frozenset(operations))


class Side:
    """A cluster; `refusal` is raised by whatever is asked next."""

    def __init__(self, *topics: TopicInfo) -> None:
        self.topics = {each.name: each for each in topics}
        self.refusal: ClusterError | None = None
        self.made: list[tuple[str, int, bool, Mapping[str, str]]] = []
        self.deleted: list[str] = []
        self.ends = 0

    def _refuse(self) -> None:
        if self.refusal is not None:
            raise self.refusal

    async def describe_topics(self, names: Iterable[str], operations: bool = False) -> dict[str, TopicInfo]:
        self._refuse()
        return {name: self.topics.get(name) or TopicInfo(name, "", {}, error=3) for name in names}

    async def list_topics(self) -> dict[str, TopicInfo]:
        return dict(self.topics)

    async def topic_configs(self, name: str) -> dict[str, ConfigValue]:
        return {n: ConfigValue(n, v, ConfigSource.DEFAULT_CONFIG, False, False) for n, v in CONFIGS.items()}

    async def begin_offsets(self, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return {place: 3 * place[1] for place in places}

    async def create_topic(
        self, name: str, partitions: int, replicas: int, configs: Mapping[str, str], validate_only: bool = False
    ) -> CreatedTopic:
        self._refuse()
        self.made.append((name, partitions, validate_only, configs))
        if not validate_only:
            self.topics[name] = topic(name, f"made-{name}")
        return CreatedTopic(name, f"made-{name}", partitions, 1)

    async def end_offsets(self, places: Iterable[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return dict.fromkeys(places, self.ends)

    async def delete_topic(self, name: str, only: UUID | None = None) -> None:
        self._refuse()
        if only is not None and only != self.topics[name].uuid:
            raise KafkaFailure(100, "another topic")
        self.deleted.append(name)
        del self.topics[name]


class World:
    def __init__(self, rows: Rows, source: Side | None = None, own: Side | None = None) -> None:
        self.rows = rows
        self.source = source or Side(topic("m", "source-m", {"READ", "DESCRIBE"}))
        self.own = own or Side()
        self.forgotten: list[str] = []

    def context(self) -> Context:
        context = self.rows.context(own=self.own, registry=self)

        async def remote(link: Link) -> Side:
            return self.source

        context.remote = remote  # type: ignore[method-assign, assignment]
        return context

    async def forget(self, topic_id: str) -> None:
        self.forgotten.append(topic_id)

    async def carry_out(self, handler: Any, command: Command, stage: str = "") -> Any:
        """As the leader does, the outcome applied; the answer's data."""
        if command.id not in self.rows.model.requests:
            self.rows.ask(command, stage)
        request: Request = self.rows.model.requests[command.id]
        decision = Decision(self.rows.model, "l")
        await handler(self.context(), command, request, decision)
        await self.rows.send_outcome(decision.outcome("w").to_json())
        return decision.data


async def test_a_mirror_topic_is_made_like_its_source() -> None:
    world = World(Rows(LINK))
    assert await world.carry_out(create_mirror, CREATE) == {"mirror_topic_name": "m"}
    row = world.rows.mirror()
    assert (row.status, row.partitions, row.start_offsets) == (MirrorStatus.PENDING_MIRROR, 2, (0, 3))
    assert (row.source_topic_id, row.mirror_topic_id) == ("source-m", "made-m")
    assert row.source_configs["compression.type"] == "zstd", "to be set when it stops"
    ((_, partitions, _, configs),) = world.own.made
    assert (partitions, configs["compression.type"], configs["retention.ms"]) == (2, "producer", "7")


async def test_validate_only_has_the_broker_check_it_and_makes_nothing() -> None:
    world = World(Rows(LINK))
    await world.carry_out(create_mirror, replace(CREATE, validate_only=True))
    assert [made[2] for made in world.own.made] == [True]
    assert not world.rows.model.mirrors


async def test_whoever_repeats_a_creation_takes_over_the_topic_that_was_made() -> None:
    world = World(Rows(LINK), own=Side(topic("m", "made-before")))
    await world.carry_out(create_mirror, CREATE, stage=CREATING)
    assert world.rows.mirror().mirror_topic_id == "made-before"
    assert not world.own.made


async def test_what_somebody_else_has_made_since_a_worker_died_is_left_alone() -> None:
    """The worker died before it made the topic, or its source has got partitions since (MIRROR-56)."""
    used, other = Side(topic("m", "mine")), Side(TopicInfo("m", "mine", {0: PartitionInfo(0, 0, (0,))}))
    used.ends = 5
    for own in (used, other):
        world = World(Rows(LINK), own=own)
        with pytest.raises(Invalid, match="'m' already exists"):
            await world.carry_out(create_mirror, CREATE, stage=CREATING)
        assert not own.deleted and not world.rows.model.mirrors


async def test_a_topic_that_another_link_is_making_at_the_moment_is_left_to_it() -> None:
    """Its row comes later than its topic: two mirrors would be one topic."""
    own = Side(topic("m", "of-another"))
    rows = Rows(LINK)
    rows.put("links", "other", replace(LINK, name="other").to_json())
    rows.ask(Command("d", "other", "mirror.create", {"source_topic_name": "m"}), CREATING)
    world = World(rows, own=own)
    with pytest.raises(Invalid, match="'m' already exists"):
        await world.carry_out(create_mirror, CREATE, stage=CREATING)
    assert not own.deleted


async def test_a_topic_made_again_between_look_and_deletion_stays() -> None:
    own = Side(topic("m", ID))
    seen = dict(own.topics)
    world = World(Rows(LINK, mirror(mirror_topic_id=ID)), own=own)

    async def then_made_again(names: Iterable[str], operations: bool = False) -> dict[str, TopicInfo]:
        own.topics["m"] = topic("m", OTHER_ID)
        return seen

    own.describe_topics = then_made_again  # type: ignore[method-assign]
    await world.carry_out(delete_mirrors, DELETE)
    assert not own.deleted and not world.rows.model.mirrors


async def test_the_stage_is_known_before_the_topic_is_made() -> None:
    world = World(Rows(LINK))
    seen = []
    make = world.own.create_topic

    async def create_topic(*arguments: Any, **named: Any) -> CreatedTopic:
        seen.append(world.rows.model.requests["c"].stage)
        return await make(*arguments, **named)

    world.own.create_topic = create_topic  # type: ignore[method-assign]
    await world.carry_out(create_mirror, CREATE)
    assert seen == [CREATING]


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (Side(topic("m", "mine")), "Topic 'm' already exists."),
        (Side(topic("a.b", "mine")), None),
    ],
)
async def test_a_topic_of_that_name_is_nobodys_to_take(own: Side, message: str | None) -> None:
    world = World(Rows(LINK), own=own)
    if message is None:
        await world.carry_out(create_mirror, CREATE)
        return
    with pytest.raises(Invalid) as refusal:
        await world.carry_out(create_mirror, CREATE)
    assert refusal.value.message == message


async def test_names_that_collide_are_told() -> None:
    source = Side(topic("a_b", "source", {"READ"}))
    world = World(Rows(LINK), source, Side(topic("a.b", "mine")))
    with pytest.raises(Invalid, match="collides"):
        await world.carry_out(create_mirror, replace(CREATE, arguments={"source_topic_name": "a_b"}))


@pytest.mark.parametrize(
    ("link", "error"),
    [
        (None, LinkNotFound),
        (replace(LINK, state=LinkState.UNAVAILABLE), Invalid),
        (replace(LINK, state=LinkState.FAILED), Invalid),
    ],
)
async def test_the_link_must_be_there_and_work(link: Link | None, error: type[LinkError]) -> None:
    with pytest.raises(error):
        await World(Rows(link)).carry_out(create_mirror, CREATE)


async def test_a_source_topic_must_be_there_and_readable() -> None:
    with pytest.raises(TopicNotFound):
        await World(Rows(LINK), Side()).carry_out(create_mirror, CREATE)
    with pytest.raises(TopicNotFound, match="AUTHORIZATION_ERROR"):
        await World(Rows(LINK), Side(topic("m", "source-m", {"DESCRIBE"}))).carry_out(create_mirror, CREATE)


@pytest.mark.parametrize(
    ("side", "refusal", "error"),
    [
        ("source", TimedOut("late"), RemoteTimedOut),
        ("source", Unreachable("gone"), Invalid),
        ("own", Unreachable("gone"), KafkaRetriable),
        ("own", KafkaFailure(44, "a policy"), Invalid),
    ],
)
async def test_what_a_cluster_refuses_is_answered(side: str, refusal: ClusterError, error: type[LinkError]) -> None:
    world = World(Rows(LINK))
    getattr(world, side).refusal = refusal
    with pytest.raises(error):
        await world.carry_out(create_mirror, CREATE)
    assert not world.rows.model.mirrors


async def test_deleting_removes_topic_row_and_what_is_kept_besides() -> None:
    world = World(Rows(LINK, mirror(mirror_topic_id=ID)), own=Side(topic("m", ID)))
    data = await world.carry_out(delete_mirrors, DELETE)
    assert [row["error_code"] for row in data["mirrors"]] == [None]
    assert (world.own.deleted, world.forgotten) == (["m"], [ID])
    assert not world.rows.model.mirrors


@pytest.mark.parametrize("own", [Side(), Side(topic("m", "somebody-elses"))])
async def test_a_topic_that_is_gone_or_anothers_is_not_deleted(own: Side) -> None:
    world = World(Rows(LINK, mirror()), own=own)
    await world.carry_out(delete_mirrors, DELETE)
    assert not own.deleted
    assert not world.rows.model.mirrors


async def test_one_refusal_keeps_that_mirror_only() -> None:
    own = Side(topic("m", ID))
    own.refusal = KafkaFailure(73, "deletion is disabled")
    world = World(Rows(LINK, mirror(mirror_topic_id=ID)), own=own)
    data = await world.carry_out(delete_mirrors, DELETE)
    assert data["mirrors"][0]["error_code"] == 40002
    assert world.rows.model.mirrors
    dry = World(Rows(LINK, mirror(mirror_topic_id=ID)), own=Side(topic("m", ID)))
    await dry.carry_out(delete_mirrors, replace(DELETE, validate_only=True))
    assert not dry.own.deleted
