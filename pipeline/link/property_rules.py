"""Rules between properties (spec 2.7 and 3): what may not be set together, and what is worth a warning."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pipeline.link.behaviour_properties import BEHAVIOUR
from pipeline.link.client_properties import CONNECTION, LOCAL, LOCAL_SECURITY, SECURITY
from pipeline.link.states import LinkMode
from pipeline.link.value_checks import start_time_ms

FEATURES: Mapping[str, str] = {
    "acl.sync.enable": "acl.filters",
    "auto.create.mirror.topics.enable": "auto.create.mirror.topics.filters",
    "consumer.offset.sync.enable": "consumer.offset.group.filters",
}
"""Switch of a feature -> its filter property (LINK-7)."""

BOOTSTRAP = "bootstrap.servers"
STORES = ("ssl.truststore", "ssl.keystore")
TEMPORARY = ("/tmp/", "/var/tmp/", "/dev/shm/")
_DEFAULTS = {row.name: row.default for row in (*BEHAVIOUR, *CONNECTION, *SECURITY, *LOCAL_SECURITY)}
_IGNORED = {row.name: row.ignored for row in (*SECURITY, *LOCAL_SECURITY) if row.ignored}

_CREDENTIALS = frozenset(row.name for row in (*SECURITY, *LOCAL_SECURITY))
_ADDRESSES = frozenset({BOOTSTRAP, LOCAL + BOOTSTRAP, LOCAL + "listener.name"})


def cross_problems(values: Mapping[str, str], mode: LinkMode, now_ms: int, changed: Collection[str]) -> list[str]:
    """Every problem between the properties of one link. `changed`: only these are held against the clock, and only
    their credentials are refused on an INBOUND side: what is stored is not judged again.
    """
    return [
        *_dialling(values, mode),
        *_waiting(values, changed),
        *_prefixing(values, mode),
        *_start(values, now_ms, changed),
        *_stores(values),
    ]


def cross_warnings(values: Mapping[str, str], changed: Collection[str] | None = None) -> tuple[str, ...]:
    """What is accepted and yet worth telling. `changed` limits it to what an update touched."""
    warnings = []
    for switch, filters in FEATURES.items():
        if changed is not None and not {switch, filters} & set(changed):
            continue
        if is_on(values, switch) and not values.get(filters):
            warnings.append(f"{filters}: {switch} is true but {filters} is not set; please set it")
        if values.get(filters) and not is_on(values, switch):
            warnings.append(f"{filters}: kept, but without effect until {switch} is true")
    for name in sorted(values if changed is None else values.keys() & set(changed)):
        if name in _ADDRESSES and values.get("connection.mode") == "INBOUND":
            warnings.append(f"{name}: kept, but without effect on an INBOUND side, whose workers dial nobody")
        if name in _IGNORED:
            warnings.append(f"{name}: {_IGNORED[name]}")
        if name.endswith(".location") and values[name].startswith(TEMPORARY):
            warnings.append(f"{name}: lies in a temporary directory; every worker needs it at this place")
    return tuple(warnings)


def is_on(values: Mapping[str, str], name: str) -> bool:
    """Whether a boolean property holds."""
    return values.get(name, _DEFAULTS[name]) == "true"


def _dialling(values: Mapping[str, str], mode: LinkMode) -> list[str]:
    """MODE-7, LINK-50."""
    inbound = values.get("connection.mode") == "INBOUND"
    if inbound and mode is LinkMode.SOURCE:
        return ["connection.mode: INBOUND is not possible for a SOURCE link: one side must dial"]
    if not inbound and not values.get(BOOTSTRAP):
        return [f"{BOOTSTRAP}: is required when connection.mode is OUTBOUND"]
    return []


def _waiting(values: Mapping[str, str], changed: Collection[str]) -> list[str]:
    """MODE-2, MODE-5, MODE-43: a side that dials nobody holds no credential, of which nobody would make use."""
    if values.get("connection.mode") != "INBOUND":
        return []
    return [
        f"{name}: has no place on an INBOUND side, whose workers dial nobody; give it to the side that dials"
        for name in sorted(values.keys() & set(changed))
        if name in _CREDENTIALS
    ]


def _prefixing(values: Mapping[str, str], mode: LinkMode) -> list[str]:
    """FILT-37, FILT-38, FILT-45."""
    problems = []
    groups, prefix = "consumer.group.prefix.enable", "cluster.link.prefix"
    if is_on(values, groups) and mode is LinkMode.BIDIRECTIONAL:
        problems.append(
            f"{groups}: invalid configuration: the link cannot be validated because consumer group prefixing "
            "is not available in bidirectional mode"
        )
    elif is_on(values, groups) and not values.get(prefix):
        problems.append(f"{groups}: needs {prefix}, which is not set")
    if is_on(values, "acl.sync.enable") and values.get(prefix):
        problems.append(f"acl.sync.enable: cannot be true together with {prefix}: ACLs are copied without renaming")
    return problems


def _start(values: Mapping[str, str], now_ms: int, changed: Collection[str]) -> list[str]:
    """FILT-41: no time in the future."""
    name = "mirror.start.offset.spec"
    time_ms = start_time_ms(values[name]) if name in values and name in changed else None
    if time_ms is not None and time_ms > now_ms:
        return [f"{name}: '{values[name]}' lies in the future; accepted: earliest, latest or a time that has passed"]
    return []


def _stores(values: Mapping[str, str]) -> list[str]:
    """LINK-83, LINK-85: a Java key store cannot be read."""
    problems = []
    for store in (head + store for head in ("", LOCAL) for store in STORES):
        if values.get(f"{store}.location") and values.get(f"{store}.type", "JKS") == "JKS":
            problems.append(
                f"{store}.type: JKS files cannot be read; convert with 'keytool -importkeystore -srckeystore old.jks "
                f"-destkeystore new.p12 -deststoretype PKCS12' and set {store}.type=PKCS12, or use PEM"
            )
    return problems
