"""The Faust application: `faust -A pipeline.app worker` (or `clusterlink worker`, the same).

It makes the app from the settings, declares the control topics, and starts and stops the worker's engine. Agents and
tables are found by name in the packages `agents` and `tables`; this is the only module of `pipeline` that knows Faust.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
import threading
from typing import Any

import faust
import uvloop
from faust.types import TP

from pipeline.api.endpoint import tls_context
from pipeline.cluster.errors import ClusterError
from pipeline.control.sending import BATCH_BYTES, LARGEST_RECORD
from pipeline.control.topics import WrongPartitionCount
from pipeline.faust_mending import mend
from pipeline.faust_security import broker_credentials
from pipeline.faust_stores import STORE
from pipeline.faust_vitals import FaustVitals
from pipeline.settings import SettingsError, load
from pipeline.starting import Claims, addresses, calm_libraries, own_cluster_problem
from pipeline.worker import VERSION, Worker

try:
    settings = load()
    login = broker_credentials(settings.client_configs())
    credentials = None if login is None else getattr(faust, login[0])(**login[1])
    web_tls = tls_context(settings)
    worker = Worker(settings)
except SettingsError as error:
    sys.exit("clusterlink cannot start:\n  " + "\n  ".join(error.problems))

if settings.use_uvloop:
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())

calm_libraries()
mend()
log = logging.getLogger(__name__)
topics = worker.topics
STORE_CACHE_BYTES = 8 << 20
"""Block cache of one table partition: Faust's rocksdict driver would take up to 2 GiB for each."""
STOPS_WITHIN_S = 8.0
COLLECT_AFTER = 50_000
"""New objects between two looks for cycles. A fetch of small batches makes as many headers, which are in none: at 700
the looks were a seventh of a copy's CPU."""
HEARTBEAT_S = 0.5
"""How often a worker asks its group's coordinator, and so how late it hears that another has left."""


def _end() -> None:
    """End this process, whatever it still waits for."""
    log.warning("Not stopped within %.0f s: ending now; nothing is lost by that", STOPS_WITHIN_S)
    os._exit(0)


class App(faust.App):
    """Faust's app, with our engine started and stopped around it."""

    logger = logging.getLogger("faust.app")
    """As for every other part of Faust: by itself it would take this module's, which is ours."""
    was_ready = False

    async def on_first_start(self) -> None:
        """Before anything of Faust: the control topics exist and are seen, so that the assignment always comes.

        And the worker is at work, but for what is its own: it takes over at the moment in which it joins. Were it only
        started by Faust when tables are recovered, nobody would copy what it has been assigned until then.
        """
        calm_libraries(logging.getLogger().level)  # again: only now is it known how much is to be logged
        await super().on_first_start()
        try:
            self.claims = Claims(settings)
            await worker.prepare()
        except SettingsError as error:
            sys.exit("clusterlink cannot start:\n  " + "\n  ".join(error.problems))
        except ClusterError as error:
            sys.exit(f"clusterlink cannot start:\n  {own_cluster_problem(error)}")
        except WrongPartitionCount as error:
            sys.exit(f"clusterlink cannot start:\n  {error}")
        await worker.start()
        gc.collect()
        gc.freeze()  # what is there now stays: to look through it again and again takes 45 ms each time
        gc.set_threshold(COLLECT_AFTER, *gc.get_threshold()[1:])

    async def on_stop(self) -> None:
        """Before anything of Faust ends: stop appending. What is in flight is safe either way (I3).

        Faust's consumer thread can die while it stops with its cluster away, and Faust then waits for it for ever. All
        that counts is in topics, so a worker that has not ended in time is ended.
        """
        cut = threading.Timer(STOPS_WITHIN_S, _end)
        cut.daemon = True
        cut.start()
        try:
            await worker.stop()
        except Exception:  # Faust has to leave its group all the same: the others would wait for the session's end
            log.exception("The worker did not stop in order")
        await super().on_stop()
        if self.was_ready:
            log.info("Worker %s has left its group and stops", settings.worker)

    async def _on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Take up the work of the partitions that are now ours; what stays keeps copying (design: ownership).

        Before the tables are: nothing of that work needs them here, and Faust first opens their stores, which takes
        seconds on a busy machine. Its signal of the same name comes after that.
        """
        if not self.should_stop:
            worker.own({tp.partition for tp in assigned if tp.topic == topics.progress})
        await super()._on_partitions_assigned(assigned, generation_id)

    def _on_autodiscovery_error(self, name: str) -> None:
        """An agent or table that cannot be imported ends the worker: Faust would warn and run without it."""
        raise RuntimeError(f"{name} cannot be imported") from sys.exc_info()[1]

    def on_webserver_init(self, web: Any) -> None:
        """Serve REST, console and metrics on Faust's own port."""
        worker.mount(web.web_app)


app = App(
    settings.app_id,
    broker=[f"kafka://{server.strip()}" for server in settings.bootstrap_servers.split(",")],
    broker_credentials=credentials,
    broker_session_timeout=settings.session_timeout_ms / 1000,
    broker_heartbeat_interval=HEARTBEAT_S,
    broker_commit_interval=1.0,
    consumer_auto_offset_reset="earliest",
    datadir=settings.data_dir,
    store=f"{STORE}://?driver=rocksdict",
    table_standby_replicas=0,
    topic_partitions=settings.partitions,
    topic_replication_factor=max(1, settings.replication_factor),
    topic_allow_declare=True,
    topic_disable_leader=True,
    producer_acks=-1,
    producer_compression_type="lz4",
    producer_max_request_size=LARGEST_RECORD,
    producer_max_batch_size=BATCH_BYTES,
    key_serializer="raw",
    value_serializer="raw",
    stream_wait_empty=False,
    web_bind=settings.web_host,
    web_port=settings.web_port,
    web_ssl_context=web_tls,
    web_cors_options=None,
    worker_redirect_stdouts=False,
    autodiscover=["agents", "tables"],
)

worker.faust = FaustVitals(app)


def control_topic(name: str) -> Any:
    """A control topic as agents read it: raw bytes, the tables' partition count."""
    return app.topic(name, key_type=bytes, value_type=bytes, partitions=settings.partitions, internal=True)


def table(name: str) -> Any:
    """A changelog-backed table on rocksdict: JSON rows by string key, co-partitioned with the control topics."""
    return app.Table(
        name,
        partitions=settings.partitions,
        options={"block_cache_size": STORE_CACHE_BYTES, "write_buffer_size": 4 << 20, "max_write_buffer_number": 2},
    )


@app.task  # type: ignore[untyped-decorator]
async def say_ready() -> None:
    """Once Faust runs and its tables are recovered."""
    app.was_ready = True
    log.info("clusterlink %s is ready: %s", VERSION, addresses(settings))
