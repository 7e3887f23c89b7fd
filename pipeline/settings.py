"""What a worker is told before it starts: one table, from which parsing, checks, `--help` and docs/configuration.md
are drawn.

A value comes from the environment (`CLUSTERLINK_BOOTSTRAP_SERVERS`) or from the properties file that
`CLUSTERLINK_PROPERTIES` names (`bootstrap.servers=...`); the environment wins. Values do not change after they are
read. Properties of a *link* are another table: `pipeline/link/properties.py`.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.secrets.keys import Key, UnusableKey

PROPERTIES_FILE = "CLUSTERLINK_PROPERTIES"
SHORTEST_SECRET = 8
_REQUIRED: Any = object()


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


class SettingsError(Exception):
    """Settings that cannot be used. `problems` holds a line for each, so that all are mended in one go."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


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
        return self.default is _REQUIRED

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
        "bootstrap_servers", str, _REQUIRED, bool, "Own cluster (normally the destination): host:port, comma separated."
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
        4 * MIB,
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


@dataclass(frozen=True)
class WorkerSettings:
    """Settings as read; attributes are the rows of `SETTINGS`."""

    values: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        try:
            return self.values[name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def worker(self) -> str:
        """How this worker is named in status, results and logs: host and port it serves."""
        return f"{socket.gethostname()}:{self.values['web_port']}"

    def encoder_keys(self) -> tuple[Key, Key]:
        """The key to store secrets under, and the old one; raises `SettingsError` where a file cannot be used."""
        found, problems = [], []
        for name in ("password_encoder_secret", "password_encoder_old_secret"):
            try:
                found.append(Key(self.values[name].reveal(), self.values[f"{name}_file"]))
            except UnusableKey as error:
                problems.append(f"CLUSTERLINK_{name.upper()}: {error}")
        if problems:
            raise SettingsError(problems)
        return found[0], found[1]

    def spared_principals(self) -> frozenset[str]:
        """What `guard_spares` names."""
        return frozenset(p.strip() for p in self.values["guard_spares"].split(";") if p.strip())

    def client_configs(self) -> dict[str, str]:
        """Kafka client properties for the own cluster; raises `SettingsError` where the file cannot be read."""
        path = self.values["command_config"]
        configs = read_properties(path, "CLUSTERLINK_COMMAND_CONFIG") if path else {}
        return {**configs, "bootstrap.servers": self.values["bootstrap_servers"]}


def read_properties(path: str, named_by: str) -> dict[str, str]:
    """Return the `key=value` lines of a file. `#` begins a comment, a trailing backslash continues a line (LINK-2)."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError([f"{named_by}: cannot read {path}: {error.strerror}"]) from error
    found: dict[str, str] = {}
    for line in text.replace("\\\n", "").splitlines():
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        key, equals, value = stripped.partition("=")
        if not equals:
            raise SettingsError([f"{named_by}: {path}: no '=' in line {stripped.split()[0]!r}"])
        found[key.strip()] = value.strip()
    return found


def load(environment: Mapping[str, str] | None = None) -> WorkerSettings:
    """Return the settings of this process, or raise one `SettingsError` that lists every problem by name."""
    env = os.environ if environment is None else environment
    path = env.get(PROPERTIES_FILE, "")
    given = read_properties(path, PROPERTIES_FILE) if path else {}
    known = {s.property_name for s in SETTINGS}
    problems = [f"{PROPERTIES_FILE}: {path}: unknown setting {key}" for key in sorted(given.keys() - known)]
    values: dict[str, Any] = {}
    for s in SETTINGS:
        raw = env.get(s.env, given.get(s.property_name))
        try:
            value = s.default if raw is None else s.parse(raw)
        except ValueError:
            problems.append(f"{s.env}: cannot read {raw!r} as {s.parse.__name__.strip('_')}")
            continue
        if value is _REQUIRED:
            problems.append(f"{s.env}: missing. {s.doc}")
        elif not s.accepts(value):
            problems.append(f"{s.env}: {value!r} is out of range. {s.doc}")
        values[s.field] = value
    problems += _unfit(values)
    if problems:
        raise SettingsError(problems)
    return WorkerSettings(values)


def _unfit(values: Mapping[str, Any]) -> list[str]:
    """What is wrong between settings."""
    problems = []
    certificate, key = values.get("web_certificate_file"), values.get("web_key_file")
    if bool(certificate) != bool(key):
        problems.append("CLUSTERLINK_WEB_CERTIFICATE_FILE: goes together with CLUSTERLINK_WEB_KEY_FILE")
    authority = values.get("web_client_authority_file")
    if authority and not certificate:
        problems.append("CLUSTERLINK_WEB_CLIENT_AUTHORITY_FILE: needs CLUSTERLINK_WEB_CERTIFICATE_FILE")
    if values.get("rest_authentication") == "mtls" and not authority:
        problems.append("CLUSTERLINK_REST_AUTHENTICATION: mtls needs CLUSTERLINK_WEB_CLIENT_AUTHORITY_FILE")
    return problems


def reference() -> str:
    """Return the table as the text of docs/configuration.md and of `clusterlink worker --help`."""
    lines = ["| environment | properties file | default | meaning |", "|---|---|---|---|"]
    lines += [f"| `{s.env}` | `{s.property_name}` | {s.default_text} | {s.doc} |" for s in SETTINGS]
    return "\n".join(lines) + "\n"
