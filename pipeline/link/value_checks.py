"""Checks of single property values that take more than a type and a range. None puts a secret into its message."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from pipeline.link.names import LONGEST_NAME, read_cluster_link_id, shorten, topic_name_problem

EARLIEST = "earliest"
LATEST = "latest"
START_FORMS = "earliest, latest, or a time in UTC as YYYY-MM-DDTHH:mm:SS.sss"

LOGIN_MODULES = ("PlainLoginModule", "ScramLoginModule", "OAuthBearerLoginModule", "Krb5LoginModule")

_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,3})?Z?", re.ASCII)
_HOST_PORT = re.compile(r"(?:[A-Za-z][A-Za-z0-9_+.-]*://)?(\[[0-9A-Fa-f:.%]+\]|[^\s:/\[\],]+):(\d{1,5})", re.ASCII)
_JAAS = re.compile(
    r"""\s*(?P<module>[\w.$]+)\s+(?i:required|requisite|sufficient|optional)"""
    r"""(?:\s+[\w.-]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s;"']+))*\s*;\s*"""
)


def start_time_ms(spec: str) -> int | None:
    """Read `mirror.start.offset.spec`: a time as epoch ms, None for a word. ValueError names the forms (FILT-41)."""
    if spec.lower() in (EARLIEST, LATEST):
        return None
    if not _TIME.fullmatch(spec):
        raise ValueError(f"'{shorten(spec)}' is not {START_FORMS}")
    try:
        moment = datetime.fromisoformat(spec.removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError:
        raise ValueError(f"'{spec}' is no time; accepted: {START_FORMS}") from None
    return round(moment.timestamp() * 1000)


def check_start(spec: str) -> None:
    start_time_ms(spec)


def check_prefix(prefix: str) -> None:
    """LINK-22: legal topic-name characters; a name built with it must still fit."""
    problem = topic_name_problem(prefix + "x")
    if problem:
        raise ValueError(
            f"'{shorten(prefix)}' cannot begin a topic's name of at most {LONGEST_NAME} characters: {problem}"
        )


def check_app_id(app_id: str) -> None:
    """LINK-48: topics begin with it."""
    problem = topic_name_problem(f"{app_id}-synced_offsets-changelog")
    if problem:
        raise ValueError(f"'{shorten(app_id)}' cannot begin the names of control topics: {problem}")


def check_cluster_link_id(text: str) -> None:
    read_cluster_link_id(text)


def check_addresses(addresses: tuple[str, ...]) -> None:
    """LINK-50: host:port each, `PROTOCOL://` before it is understood."""
    for address in addresses:
        match = _HOST_PORT.fullmatch(address)
        if match is None or not 0 < int(match[2]) < 65536:
            raise ValueError(f"'{shorten(address)}' is not host:port")


def check_jaas(text: str) -> None:
    """LINK-72: one login module that we know, options in single or double quotes, ends in ';', one line."""
    if "\n" in text or "\r" in text:
        raise ValueError("must be one line")
    if not text.rstrip().endswith(";"):
        raise ValueError("must end in ';'")
    match = _JAAS.fullmatch(text)
    if match is None:
        raise ValueError("must read: <login module> required <option>='<value>' ... ;")
    if match["module"].rpartition(".")[2] not in LOGIN_MODULES:
        raise ValueError(f"the login module is not one of {', '.join(LOGIN_MODULES)}")


def check_pem(text: str) -> None:
    """LINK-82, LINK-84: PEM in line."""
    if "-----BEGIN" not in text or "-----END" not in text:
        raise ValueError("must be PEM: -----BEGIN ... -----END ...")


def check_oauth_callback(name: str) -> None:
    """LINK-73, LINK-74: Java classes cannot run here; those that Kafka itself has for OAUTHBEARER are built in."""
    if not (name.startswith("org.apache.kafka.common.security.oauthbearer.") and name.endswith("CallbackHandler")):
        raise ValueError(
            f"'{shorten(name)}' is a Java class, which cannot be loaded; only Kafka's own OAuth handlers are built in"
        )


def check_positive_or_default(number: int) -> None:
    """-1 (none, or left to the system) or a size or a time."""
    if number != -1 and number < 1:
        raise ValueError(f"{number} is neither -1 nor 1 or more")


def check_rate(number: int) -> None:
    """LINK-44: -1 (off) or 1024 and up."""
    if number != -1 and number < 1024:
        raise ValueError(f"{number} is neither -1 (off) nor 1024 or more")
