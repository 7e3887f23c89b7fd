"""The ``ssl.*`` properties (LINK-82 to LINK-90) as TlsSettings."""

from __future__ import annotations

import logging

from pipeline.cluster.properties import Properties
from pipeline.cluster.stores import Store
from pipeline.cluster.tls import VERSIONS, TlsSettings

log = logging.getLogger(__name__)

IGNORED = ("ssl.provider", "ssl.keymanager.algorithm", "ssl.trustmanager.algorithm", "ssl.secure.random.implementation")


def read_tls(properties: Properties) -> TlsSettings:
    """Read everything about TLS. Raises SecurityError; opens no file yet."""
    if properties.text("ssl.engine.factory.class") is not None:
        raise properties.refused("ssl.engine.factory.class", "names a Java class, which cannot be used here (LINK-90)")
    for name in IGNORED:
        if properties.text(name) is not None:
            log.warning("%s is about Java's TLS and has no effect here", properties.head + name)
    trust = Store(
        name=properties.head + "ssl.truststore",
        location=properties.text("ssl.truststore.location"),
        kind=properties.text("ssl.truststore.type"),
        password=properties.get("ssl.truststore.password"),
        certificates=properties.text("ssl.truststore.certificates"),
    )
    keys = Store(
        name=properties.head + "ssl.keystore",
        location=properties.text("ssl.keystore.location"),
        kind=properties.text("ssl.keystore.type"),
        password=properties.get("ssl.keystore.password"),
        certificates=properties.text("ssl.keystore.certificate.chain"),
        key=properties.text("ssl.keystore.key"),
        key_password=properties.get("ssl.key.password"),
    )
    trust.check()
    keys.check()
    return TlsSettings(
        trust=trust if trust.location or trust.certificates else None,
        keys=keys if keys.location or keys.certificates or keys.key else None,
        checks_host=_checks_host(properties),
        versions=_versions(properties),
        ciphers=properties.words("ssl.cipher.suites"),
        head=properties.head,
    )


def _checks_host(properties: Properties) -> bool:
    """LINK-87: ``https``, or empty for no check of the host name."""
    name = "ssl.endpoint.identification.algorithm"
    value = properties.get(name)
    if value is None or value.strip().lower() == "https":
        return True
    if value.strip():
        raise properties.refused(name, f"must be https or empty, not {value!r}")
    return False


def _versions(properties: Properties) -> tuple[str, ...]:
    """LINK-88: what ``ssl.enabled.protocols`` lists, up to ``ssl.protocol``."""
    order = list(VERSIONS)
    wanted = properties.words("ssl.enabled.protocols") or ("TLSv1.2", "TLSv1.3")
    unknown = [version for version in wanted if version not in VERSIONS]
    if unknown:
        raise properties.refused("ssl.enabled.protocols", f"knows {', '.join(order)}, not {', '.join(unknown)}")
    newest = properties.text("ssl.protocol") or "TLSv1.3"
    if newest == "TLS":
        newest = "TLSv1.3"
    if newest not in VERSIONS:
        raise properties.refused("ssl.protocol", f"must be TLS or one of {', '.join(order)}, not {newest!r}")
    usable = tuple(version for version in wanted if order.index(version) <= order.index(newest))
    if not usable:
        raise properties.refused("ssl.protocol", f"{newest} leaves none of ssl.enabled.protocols")
    return usable
