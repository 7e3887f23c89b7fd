"""What a worker can be told before it starts: one table, from which parsing, checks, `--help` and docs/configuration.md
are drawn (`pipeline/settings.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

SHORTEST_SECRET = 8
REQUIRED: Any = object()


@dataclass(frozen=True, slots=True, repr=False)
class Hidden:
    """A value that does not show when it is printed (SEC-34); `reveal` says that it is meant."""

    value: str

    def reveal(self) -> str:
        """The value itself."""
        return self.value

    def __bool__(self) -> bool:
        return bool(self.value)

    def __repr__(self) -> str:
        return "[hidden]" if self.value else ""


@dataclass(frozen=True)
class Setting:
    """A row of the table: `accepts` says which parsed values are in range, `doc` is the sentence users read."""

    field: str
    parse: Callable[[str], Any]
    default: Any
    accepts: Callable[[Any], bool]
    doc: str

    @property
    def is_secret(self) -> bool:
        """Whether it must not show: not in a log, not among the arguments of a process (SEC-34)."""
        return self.parse is Hidden

    @property
    def env(self) -> str:
        """Name in the environment."""
        return "CLUSTERLINK_" + self.field.upper()

    @property
    def property_name(self) -> str:
        """Name in the properties file."""
        return self.field.replace("_", ".")

    @property
    def is_required(self) -> bool:
        """Whether a worker cannot start without it."""
        return self.default is REQUIRED

    @property
    def default_text(self) -> str:
        """The default as documentation prints it."""
        if self.is_required:
            return "(required)"
        return str(self.default).lower() if isinstance(self.default, bool) else str(self.default) or '""'


def _flag(text: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.strip().lower() not in words:
        raise ValueError(text)
    return words[text.strip().lower()]


def _any(_: Any) -> bool:
    return True


def _is_long_enough(key: Hidden) -> bool:
    return not key or len(key.reveal()) >= SHORTEST_SECRET


MIB = 1 << 20

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "bootstrap_servers", str, REQUIRED, bool, "Own cluster (normally the destination): host:port, comma separated."
    ),
    Setting(
        "command_config",
        str,
        "",
        _any,
        "File of Kafka client properties (security.protocol, sasl.*, ssl.*) for the own cluster.",
    ),
    Setting("data_dir", str, "clusterlink-data", bool, "Directory of the table stores; each worker needs its own."),
    Setting("web_host", str, "0.0.0.0", bool, "Address on which REST, console and metrics are served."),
    Setting("web_port", int, 8090, lambda n: 0 < n < 65536, "Port of REST, console and metrics."),
    Setting(
        "app_id", str, "clusterlink", bool, "Name of the group of workers; begins the names of the control topics."
    ),
    Setting(
        "partitions",
        int,
        8,
        lambda n: 0 < n <= 1024,
        "Partitions of the control topics: most workers that can share the work. Fixed once the topics exist.",
    ),
    Setting(
        "replication_factor",
        int,
        -1,
        lambda n: n == -1 or n > 0,
        "Replication factor of the control topics; -1 is the cluster's default.",
    ),
    Setting(
        "session_timeout_ms",
        int,
        10_000,
        lambda n: n >= 6_000,
        "A worker silent for so long is given up and its work goes to the others.",
    ),
    Setting(
        "fetch_memory_bytes",
        int,
        128 * MIB,
        lambda n: n >= 16 * MIB,
        "Most bytes of fetched records a worker holds at a time, over all links (invariant I5).",
    ),
    Setting(
        "partition_memory_bytes",
        int,
        8 * MIB,
        lambda n: n >= MIB,
        "Most bytes of fetched records held for one partition before it is no longer fetched.",
    ),
    Setting(
        "append_request_bytes",
        int,
        MIB,
        lambda n: n >= 64 * 1024,
        "Most bytes of batches in one Produce request to a destination broker.",
    ),
    Setting(
        "progress_interval_ms",
        int,
        1_000,
        lambda n: n >= 100,
        "How often a mirror partition that moves reports its offsets.",
    ),
    Setting(
        "guard_spares",
        str,
        "",
        lambda v: all(p.partition(":")[2] for p in v.split(";") if p),
        "Principals (`User:a;User:b`) that the read-only guards of mirrors leave alone: the other workers', where each "
        "has one of its own.",
    ),
    Setting("api_timeout_ms", int, 60_000, lambda n: n >= 1_000, "How long REST waits for the result of a command."),
    Setting(
        "rest_authentication",
        str,
        "none",
        lambda v: v in ("none", "basic", "bearer", "mtls"),
        "How REST callers prove who they are: none, basic, bearer or mtls.",
    ),
    Setting(
        "rest_credentials_file",
        str,
        "",
        _any,
        "File of REST callers: `role:name:secret` lines (roles operator and reader) for basic and bearer.",
    ),
    Setting(
        "rest_allowed_hosts",
        str,
        "",
        _any,
        "Where rest_authentication is none: names with dots that workers may be called by, comma separated; "
        "`.example.org` is every name below, `*` any. Addresses and names of private networks need no mention.",
    ),
    Setting(
        "rest_rate_limit",
        float,
        0.0,
        lambda n: 0 <= n < 1e9,
        "Most REST requests of one caller per second, on average; more are answered with 429. 0 is no limit.",
    ),
    Setting(
        "web_certificate_file",
        str,
        "",
        _any,
        "PEM file of the certificate chain to serve HTTPS with; with web_key_file, else HTTP is served.",
    ),
    Setting("web_key_file", str, "", _any, "PEM file of the private key of that certificate."),
    Setting(
        "web_client_authority_file",
        str,
        "",
        _any,
        "PEM file of the authorities whose client certificates are accepted; rest_authentication=mtls needs it.",
    ),
    Setting(
        "password_encoder_secret",
        Hidden,
        Hidden(""),
        _is_long_enough,
        f"Key under which the secrets of links are stored, {SHORTEST_SECRET} characters or more, the same for all "
        "workers. Without one, links with secrets are refused.",
    ),
    Setting(
        "password_encoder_secret_file",
        str,
        "",
        _any,
        "The same key from a file, which is read again when it changes.",
    ),
    Setting(
        "password_encoder_old_secret",
        Hidden,
        Hidden(""),
        _is_long_enough,
        "One more key to read secrets with, while the key is changed; what is stored under it is stored anew.",
    ),
    Setting(
        "password_encoder_old_secret_file",
        str,
        "",
        _any,
        "The same from a file, which is read again when it changes.",
    ),
    Setting(
        "allow_clear_secrets",
        _flag,
        False,
        _any,
        "Take commands that others wrote to the commands topic with secrets in the clear. The records of that topic "
        "keep them in the clear until they are deleted.",
    ),
    Setting(
        "metrics_detail",
        str,
        "partition",
        lambda v: v in ("link", "topic", "partition"),
        "How far /metrics goes into detail: series of links only, of mirrors too, or of their partitions and of "
        "consumer groups too.",
    ),
    Setting("use_uvloop", _flag, True, _any, "Run on uvloop, a faster event loop; false: on Python's own."),
)
