"""What clusterlink needs brokers to speak, checked when a link is made (TERM-35, REST-91)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Flag, auto
from typing import Any

from kafka.protocol import admin as admin_api
from kafka.protocol import consumer as consumer_api

from pipeline.wire.errors import UnsupportedByBroker
from pipeline.wire.requests.add_partitions_to_txn import AddPartitionsToTxnRequest
from pipeline.wire.requests.base import Request
from pipeline.wire.requests.delete_records import DeleteRecordsRequest
from pipeline.wire.requests.describe_producers import DescribeProducersRequest
from pipeline.wire.requests.end_txn import EndTxnRequest
from pipeline.wire.requests.fetch import FetchRequest
from pipeline.wire.requests.find_coordinator import FindCoordinatorRequest
from pipeline.wire.requests.init_producer_id import InitProducerIdRequest
from pipeline.wire.requests.list_offsets import ListOffsetsRequest
from pipeline.wire.requests.metadata import MetadataRequest
from pipeline.wire.requests.offset_for_leader_epoch import OffsetForLeaderEpochRequest
from pipeline.wire.requests.produce import ProduceRequest


class Role(Flag):
    """What a cluster is in a link; on a bidirectional one each is both."""

    SOURCE = auto()
    DESTINATION = auto()


@dataclass(frozen=True, slots=True)
class Need:
    """An API with the lowest and highest version that we can speak."""

    api: str
    api_key: int
    versions: tuple[int, int]
    roles: Role


def _wire(request: type[Request[Any]], roles: Role) -> Need:
    return Need(request.API, request.API_KEY, request.VERSIONS, roles)


def _admin(request: Any, lowest: int, roles: Role) -> Need:
    return Need(request.name.removesuffix("Request"), request.API_KEY, (lowest, request.max_version), roles)


_BOTH = Role.SOURCE | Role.DESTINATION
NEEDS: tuple[Need, ...] = (
    _wire(MetadataRequest, _BOTH),
    _wire(ListOffsetsRequest, _BOTH),
    _wire(FindCoordinatorRequest, _BOTH),
    _wire(FetchRequest, _BOTH),
    _wire(OffsetForLeaderEpochRequest, Role.SOURCE),
    _wire(ProduceRequest, Role.DESTINATION),
    _wire(InitProducerIdRequest, Role.DESTINATION),
    _wire(DescribeProducersRequest, Role.DESTINATION),
    _wire(AddPartitionsToTxnRequest, Role.DESTINATION),
    _wire(EndTxnRequest, Role.DESTINATION),
    _wire(DeleteRecordsRequest, Role.DESTINATION),
    _admin(admin_api.DescribeConfigsRequest, 1, _BOTH),
    _admin(admin_api.DescribeGroupsRequest, 0, _BOTH),
    _admin(admin_api.ListGroupsRequest, 0, _BOTH),
    _admin(consumer_api.OffsetFetchRequest, 2, _BOTH),
    _admin(admin_api.CreateTopicsRequest, 4, Role.DESTINATION),
    _admin(admin_api.DeleteTopicsRequest, 1, Role.DESTINATION),
    _admin(admin_api.CreatePartitionsRequest, 0, Role.DESTINATION),
    _admin(admin_api.IncrementalAlterConfigsRequest, 0, Role.DESTINATION),
    _admin(consumer_api.OffsetCommitRequest, 2, Role.DESTINATION),
)
"""WriteTxnMarkers is not among them: without it the transaction coordinator fills the gaps (design.md, point 3)."""


def lacking(offered: Mapping[int, tuple[int, int]], roles: Role) -> list[UnsupportedByBroker]:
    """Return what a broker that offers these versions lacks to play these roles, API by API."""
    missing = []
    for need in NEEDS:
        if not need.roles & roles:
            continue
        theirs = offered.get(need.api_key)
        if theirs is None or theirs[1] < need.versions[0] or theirs[0] > need.versions[1]:
            missing.append(UnsupportedByBroker(need.api, need.api_key, need.versions, theirs))
    return missing
