"""The tables' stores: what a rebalance does to them, and what a disk does that takes nothing more."""

from __future__ import annotations

import gc
import json
import os
import resource
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn
from unittest.mock import MagicMock

import pytest
from faust.exceptions import ValueDecodeError
from faust.stores import STORES
from faust.types import TP

from pipeline.faust_stores import STORE

PLACES = {TP("changelog", number) for number in range(3)}


@pytest.fixture
def store(tmp_path: Path) -> Any:
    """Of a table with a changelog of three partitions."""
    table = MagicMock(key_index_size=1)
    table.changelog_topic.topics = ["changelog"]
    app = MagicMock(consumer_generation_id=1)
    app.assignor.assigned_standbys.return_value = set()
    app.conf = SimpleNamespace(table_key_index_size=10, tabledir=tmp_path)
    return STORES.by_url(f"{STORE}://")(f"{STORE}://", app, table, table_name="t", options={})


async def test_a_store_is_let_go_of_at_once_and_without_a_collection(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gc, "collect", lambda: pytest.fail("a collection of all garbage"))
    await store.on_rebalance(PLACES, set(), PLACES, 1)
    store._db_for_partition(1).put(b"key", b"value")
    await store.on_rebalance(set(), PLACES, set(), 1)
    await store.on_rebalance(PLACES, set(), PLACES, 1)  # a store that is still open elsewhere has a lock
    assert store._db_for_partition(1).get(b"key") == b"value"
    await store.stop()


def record(value: bytes | None, topic: str = "changelog") -> Any:
    message = {"tp": TP(topic, 1), "topic": topic, "partition": 1, "offset": 7, "key": b"k", "value": value}
    return SimpleNamespace(message=SimpleNamespace(**message))


WRITES: dict[str, Callable[[Any], object]] = {
    "a row": lambda store: store._set(b"k", b"v"),
    "a row removed": lambda store: store._del(b"k"),
    "an offset": lambda store: store.set_persisted_offset(TP("changelog", 1), 7),
    "what is recovered": lambda store: store.apply_changelog_batch([record(b"v")], bytes, bytes),
}


class Ended(BaseException):
    """Instead of the process."""


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
async def test_a_refused_write_ends_the_worker_on_the_spot(
    store: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, write: Callable[[Any], object]
) -> None:
    """As on a full disk: no file of this process may grow. Faust would take the event for done."""

    def end(code: int) -> NoReturn:
        raise Ended(code)

    monkeypatch.setattr(os, "_exit", end)
    monkeypatch.setattr("faust.stores.rocksdb.current_event", lambda: record(None))
    await store.on_rebalance(PLACES, set(), PLACES, 1)
    write(store)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    with ExitStack() as undo:
        undo.callback(resource.setrlimit, resource.RLIMIT_FSIZE, before)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1, before[1]))
        with pytest.raises(Ended, match="1"):
            write(store)
    assert "cannot be written: IO error: " in caplog.text
    with pytest.raises(Ended):  # it does not forget
        write(store)


async def test_other_trouble_is_left_to_faust(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(partition: int) -> NoReturn:
        raise Exception("IO error: lock hold by current process")

    monkeypatch.setattr(store, "_db_for_partition", locked)
    with pytest.raises(Exception, match="lock hold"):
        store.set_persisted_offset(TP("changelog", 1), 7)


async def test_records_of_another_changelog_are_left_out(store: Any) -> None:
    """Faust's recovery hands on what comes late to the table of the record before."""
    await store.on_rebalance(PLACES, set(), PLACES, 1)
    store.apply_changelog_batch([record(b"theirs", "another")], bytes, bytes)
    assert store._db_for_partition(1).get(b"k") is None
    store.apply_changelog_batch([record(b"ours")], bytes, bytes)
    assert store._db_for_partition(1).get(b"k") == b"ours"


@pytest.mark.parametrize("value", [b"not JSON", b"\xff", b"[]", b"7", b"null", b"{}", b'{"version": 1, "row": 5}'])
async def test_what_is_no_row_counts_as_missing(store: Any, caplog: pytest.LogCaptureFixture, value: bytes) -> None:
    store.app.serializers.loads_value = lambda kind, raw, serializer: json_of(raw)
    assert store._decode_value(b'{"version": 1, "row": {}}') == {"version": 1, "row": {}}
    with pytest.raises(KeyError):
        store._decode_value(value)
    assert "A row of table t cannot be read" in caplog.text


def json_of(raw: bytes) -> Any:
    """As Faust reads it: with an error of its own."""
    try:
        return json.loads(raw)
    except ValueError as error:
        raise ValueDecodeError(str(error)) from error
