"""What a worker is told before it starts, as `pipeline/setting_table.py` has it: read, checked, printed for the docs.

A value comes from the environment (`CLUSTERLINK_BOOTSTRAP_SERVERS`) or from the properties file that
`CLUSTERLINK_PROPERTIES` names (`bootstrap.servers=...`); the environment wins. Values do not change after they are
read. Properties of a *link* are another table: `pipeline/link/properties.py`.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.link.names import nearest
from pipeline.secrets.keys import Key, UnusableKey
from pipeline.setting_table import REQUIRED, SETTINGS

PROPERTIES_FILE = "CLUSTERLINK_PROPERTIES"
NEARLY = 0.93
"""Likeness of a mistyped name: one letter or two wrong."""
KINDS = {"int": "a whole number", "float": "a number", "_flag": "true or false"}


class SettingsError(Exception):
    """Settings that cannot be used. `problems` holds a line for each, so that all are mended in one go."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


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
    problems += [f"{name}: unknown setting; did you mean {meant}?" for name, meant in sorted(mistyped(env).items())]
    values: dict[str, Any] = {}
    for s in SETTINGS:
        raw = env.get(s.env, given.get(s.property_name))
        try:
            value = s.default if raw is None else s.parse(raw)
        except ValueError:
            problems.append(f"{s.env}: {raw!r} is not {KINDS[s.parse.__name__]}. {s.doc}")
            continue
        if value is REQUIRED:
            problems.append(f"{s.env}: missing. {s.doc}")
        elif not s.accepts(value):
            problems.append(f"{s.env}: {value!r} is out of range. {s.doc}")
        values[s.field] = value
    problems += _unfit(values)
    if problems:
        raise SettingsError(problems)
    return WorkerSettings(values)


def mistyped(environment: Mapping[str, str]) -> dict[str, str]:
    """Variables that are nearly, not quite, named as a setting, with that name: else they would be ignored silently.

    Others named CLUSTERLINK_* are none of a worker's business: the command line has some, and Kubernetes makes
    `CLUSTERLINK_PORT=tcp://...` where a Service is called clusterlink.
    """
    names = [s.env for s in SETTINGS] + [PROPERTIES_FILE]
    found = {}
    for name, value in environment.items():
        is_other = name in names or not name.startswith("CLUSTERLINK_") or "://" in value
        if not is_other and (meant := nearest(name, names, NEARLY)):
            found[name] = meant
    return found


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
