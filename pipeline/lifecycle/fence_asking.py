"""Ask the leaders of many partitions at once, with one request each, for what a fence needs to know (`fencing`)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from pipeline.cluster.data import DataClient
from pipeline.cluster.errors import failure
from pipeline.lifecycle.remote_errors import task_error
from pipeline.link.models import TaskError
from pipeline.link.states import TaskErrorCode
from pipeline.mirror.verdicts import Api, Verdict, judge
from pipeline.wire.requests.describe_producers import DescribeProducersRequest, ProducerState
from pipeline.wire.requests.list_offsets import CONSUMER, LATEST, LOG_END, ListOffsetsRequest, OffsetQuery
from pipeline.wire.requests.write_txn_markers import Marker, WriteTxnMarkersRequest

MARKERS_WITHIN_MS = 60_000


class Place(NamedTuple):
    """A mirror partition."""

    topic: str
    topic_id: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"


async def leaders(
    client: DataClient, places: Collection[Place]
) -> tuple[dict[int, list[Place]], dict[Place, TaskError]]:
    """The places by the node that leads them, and why the others have none. Raises ClusterError."""
    topics = await client.topics({place.topic for place in places}) if places else {}
    found: dict[int, list[Place]] = defaultdict(list)
    errors: dict[Place, TaskError] = {}
    for place in places:
        info = topics[place.topic]
        partition = info.partitions.get(place.partition)
        if info.error or info.topic_id != place.topic_id:
            error = failure(info.error or 100, None, "DESCRIBE", f"topic {place.topic}")
            errors[place] = task_error(error, "destination")
        elif partition is None or partition.leader < 0:
            errors[place] = task_error(failure(5, None, "DESCRIBE", str(place)), "destination")
        else:
            found[partition.leader].append(place)
    return found, errors


async def producer_states(
    client: DataClient, node: int, producers: Mapping[Place, int]
) -> dict[Place, ProducerState | TaskError | None]:
    """What the leader knows of each place's producer id, None where it does not know it."""
    response = await client.send(node, DescribeProducersRequest([(p.topic, p.partition) for p in producers]))
    described = {(each.topic, each.partition): each for each in response.partitions}
    found: dict[Place, ProducerState | TaskError | None] = {}
    for place, producer_id in producers.items():
        state = described[place.topic, place.partition]
        error = judged(place, Api.DESCRIBE_PRODUCERS, state.error_code)
        found[place] = error or state.find(producer_id)
    return found


async def mark(client: DataClient, node: int, markers: Mapping[Place, Marker]) -> dict[Place, TaskError | None]:
    """Have one marker written in each place; its error, or None once it is replicated."""
    response = await client.send(node, WriteTxnMarkersRequest(list(markers.values())), MARKERS_WITHIN_MS)
    codes = {(each.producer_id, each.topic, each.partition): each.error_code for each in response.results}
    return {
        place: judged(place, Api.WRITE_TXN_MARKERS, codes.get((marker.producer_id, place.topic, place.partition), -1))
        for place, marker in markers.items()
    }


async def replicated_ends(client: DataClient, node: int, places: Sequence[Place]) -> dict[Place, int | TaskError]:
    """Where logs end, if all of that is replicated: what is not could be lost with its leader."""
    queries = [OffsetQuery(place.topic, place.partition, LATEST) for place in places]
    ends: list[dict[tuple[str, int], tuple[int, int]]] = []
    for replica_id in (LOG_END, CONSUMER):
        response = await client.send(node, ListOffsetsRequest(queries, replica_id=replica_id))
        ends.append({(e.topic, e.partition): (e.error_code, e.offset) for e in response.partitions})
    found: dict[Place, int | TaskError] = {}
    for place in places:
        (code, log_end), (other_code, high_watermark) = (each[place.topic, place.partition] for each in ends)
        error = judged(place, Api.LIST_OFFSETS, code or other_code)
        if error is None and high_watermark < log_end:
            error = TaskError(TaskErrorCode.UNKNOWN, f"{place}: too few in-sync replicas to finish")
        found[place] = error or log_end
    return found


def judged(place: Place, api: Api, code: int) -> TaskError | None:
    """What a code in an answer says about a place; None for 0."""
    if not code:
        return None
    judgement = judge(api, code)
    is_denied = judgement.verdict is Verdict.DENIED
    kind = TaskErrorCode.BROKER_AUTHORIZATION_ERROR if is_denied else TaskErrorCode.UNKNOWN
    return TaskError(kind, f"destination: {place}: {judgement.reason}")
