"""Who copies: MirrorMaker 2 and clusterlink, each started afresh for a case and ended after it."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from bench.cases import Case, Method
from bench.measures import THEIRS
from pipeline.local.cluster import LocalCluster
from pipeline.local.jvm import java_command
from pipeline.local.kafka_home import Jars, kafka_home
from pipeline.local.options import Jit
from pipeline.local.process import ServerProcess

MIRROR_MAKER_HEAP_MB = 2048
"""What Kafka's own start script gives it."""


class Copier(Protocol):
    """A running program that copies one topic from a source to a destination, under the same name."""

    name: str
    pids: tuple[int, ...]
    """The processes that do it, from `copy` on."""
    keeps_offsets: bool
    """Whether transaction markers and other offsets without a record take their place in the copy too."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def copy(self, topic: str, case: Case) -> None:
        """Start copying this topic."""

    def log(self) -> str:
        """What it has logged."""


class MirrorMaker:
    """MirrorMaker 2 in its dedicated mode, by the properties of mm2.properties, one process.

    Tuned for throughput it is slow to pass on a single record, so it is tuned anew where latency is measured.
    """

    name = THEIRS
    keeps_offsets = False

    def __init__(self, source: LocalCluster, destination: LocalCluster, folder: Path) -> None:
        self._clusters = source, destination
        self._folder = folder
        self._process: ServerProcess | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.stop(hard=True)

    @property
    def pids(self) -> tuple[int, ...]:
        return () if self._process is None else (self._process.pid,)

    def copy(self, topic: str, case: Case) -> None:
        names = ["mm2.properties", *(["mm2-latency.properties"] if case.method is Method.LATENCY else [])]
        template = "\n".join(Path(__file__).with_name(name).read_text(encoding="utf-8") for name in names)
        properties = self._folder / f"mm2-{topic}.properties"
        properties.write_text(
            template
            + f"\nsource.bootstrap.servers={self._clusters[0].bootstrap_servers}"
            + f"\ndestination.bootstrap.servers={self._clusters[1].bootstrap_servers}"
            + f"\nsource->destination.topics={topic}"
            + f"\ndestination.producer.compression.type={case.codec}\n"
        )
        main = ["org.apache.kafka.connect.mirror.MirrorMaker", str(properties)]
        home = kafka_home(jars=Jars.MIRROR_MAKER)
        command = java_command(home, main, MIRROR_MAKER_HEAP_MB, Jit.SPEED, ["-Xms256m"])
        self._process = ServerProcess(command, self._folder / f"mm2-{topic}.log")

    def log(self) -> str:
        return "" if self._process is None else self._process.log()
