"""A broker as a Java process on this machine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.local.jvm import java_command
from pipeline.local.kafka_home import KafkaHome
from pipeline.local.options import Jit
from pipeline.local.process import ServerProcess
from pipeline.local.properties import to_text


class JavaBroker:
    """Runs kafka.Kafka on a data folder that is formatted already (see broker.Broker for the methods)."""

    def __init__(
        self,
        home: KafkaHome,
        properties: Mapping[str, str],
        folder: Path,
        *,
        heap_mb: int = 512,
        jit: Jit = Jit.START,
        flags: Sequence[str] = (),
        definitions: Sequence[str] = (),
    ) -> None:
        """`folder` gets the properties file and the log; `flags` are further ones for Java, which change what the
        class data archive depends on; `definitions` (-Dname=value) do not."""
        folder.mkdir(parents=True, exist_ok=True)
        self._log_file = folder / "broker.log"
        properties_file = folder / "server.properties"
        properties_file.write_text(to_text(properties))
        properties_file.chmod(0o600)
        # Native libraries of the codecs are unpacked there, and stay behind where a broker is killed.
        scratch = folder / "tmp"
        scratch.mkdir(exist_ok=True)
        main = [f"-Djava.io.tmpdir={scratch}", *definitions, "kafka.Kafka", str(properties_file)]
        self._command = java_command(home, main, heap_mb, jit, flags)
        self._process: ServerProcess | None = None

    def launch(self) -> None:
        self._process = ServerProcess(self._command, self._log_file)

    def is_running(self) -> bool:
        return self._process is not None and self._process.is_running()

    def log(self) -> str:
        return "" if self._process is None else self._process.log()

    def stop(self, hard: bool) -> None:
        if self._process is not None:
            self._process.stop(hard)

    def process_id(self) -> int | None:
        return None if self._process is None else self._process.pid

    def describe(self) -> str:
        return "a broker that was never started" if self._process is None else f"process {self._process.pid}"

    def release(self) -> None:
        if self._process is not None:
            self._process.release()
