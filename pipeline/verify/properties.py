"""Kafka's Java client properties, as librdkafka wants them (LINK-50..58, LINK-70..90).

Most names are the same in both. The differences are rows of a table or a function below; a property that means
nothing to a comparing consumer is left out. Secrets are passed on, never logged. For GSSAPI see
`aio_sides`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

from pipeline.verify.errors import BadProperty

Conf = dict[str, str | int | float | bool]

SAME_NAME = (
    "security.protocol",
    "sasl.mechanism",
    "sasl.oauthbearer.scope",
    "sasl.oauthbearer.token.endpoint.url",
    "ssl.key.password",
    "client.dns.lookup",
    "metadata.max.age.ms",
    "retry.backoff.ms",
    "reconnect.backoff.ms",
    "reconnect.backoff.max.ms",
    "connections.max.idle.ms",
)
OTHER_NAME = {
    "request.timeout.ms": "socket.timeout.ms",
    "sasl.oauthbearer.client.id": "sasl.oauthbearer.client.id",
    "sasl.oauthbearer.client.secret": "sasl.oauthbearer.client.secret",
    "ssl.truststore.certificates": "ssl.ca.pem",
    "ssl.keystore.certificate.chain": "ssl.certificate.pem",
    "ssl.keystore.key": "ssl.key.pem",
}
_OPTION = re.compile(r"""([\w.]+)\s*=\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^\s;]+)""")
_CONVERT = "convert it: keytool -importkeystore -srckeystore in.jks -destkeystore out.p12 -deststoretype PKCS12"


def consumer_conf(configs: Mapping[str, str]) -> Conf:
    """librdkafka configuration that reaches the same cluster as these Java client properties. Raises BadProperty."""
    servers = configs.get("bootstrap.servers", "")
    if not servers.strip():
        raise BadProperty("bootstrap.servers", "missing")
    conf: Conf = {"bootstrap.servers": ",".join(each.strip().split("://")[-1] for each in servers.split(","))}
    conf |= {name: configs[name] for name in SAME_NAME if configs.get(name)}
    conf |= {theirs: configs[ours] for ours, theirs in OTHER_NAME.items() if configs.get(ours)}
    protocol = configs.get("security.protocol", "PLAINTEXT").upper()
    if protocol.startswith("SASL_"):
        conf |= _sasl(configs)
    if protocol.endswith("SSL"):
        conf |= _truststore(configs) | _keystore(configs)
        check = configs.get("ssl.endpoint.identification.algorithm", "https")
        conf["ssl.endpoint.identification.algorithm"] = "https" if check else "none"
    return conf


def jaas_options(jaas: str) -> dict[str, str]:
    """Options of the one login module that a sasl.jaas.config names, unquoted."""
    return {
        name: re.sub(r"\\(.)", r"\1", value[1:-1]) if value[0] in "\"'" else value
        for name, value in _OPTION.findall(jaas)
    }


def _sasl(configs: Mapping[str, str]) -> Conf:
    options = jaas_options(configs.get("sasl.jaas.config", ""))
    mechanism = configs.get("sasl.mechanism", "GSSAPI").upper()
    if mechanism == "PLAIN" or mechanism.startswith("SCRAM-"):
        if not {"username", "password"} <= options.keys():
            raise BadProperty("sasl.jaas.config", f"{mechanism} needs username and password")
        return {"sasl.username": options["username"], "sasl.password": options["password"]}
    if mechanism == "OAUTHBEARER":
        return _oauth(configs, options)
    raise BadProperty("sasl.mechanism", f"{mechanism} is not supported")


def _oauth(configs: Mapping[str, str], options: Mapping[str, str]) -> Conf:
    subject = options.get("unsecuredLoginStringClaim_sub")
    if subject and not configs.get("sasl.oauthbearer.token.endpoint.url"):
        return {"enable.sasl.oauthbearer.unsecure.jwt": True, "sasl.oauthbearer.config": f"principal={subject}"}
    conf: Conf = {"sasl.oauthbearer.method": "oidc"}
    for option, name in (("clientId", "client.id"), ("clientSecret", "client.secret"), ("scope", "scope")):
        if options.get(option):
            conf[f"sasl.oauthbearer.{name}"] = options[option]
    return conf


def _truststore(configs: Mapping[str, str]) -> Conf:
    location = configs.get("ssl.truststore.location")
    if not location:
        return {}
    kind = _store_type("ssl.truststore", configs)
    if kind == "PEM":
        return {"ssl.ca.location": location}
    with open(location, "rb") as file:
        store = pkcs12.load_pkcs12(file.read(), configs.get("ssl.truststore.password", "").encode() or None)
    found = [each.certificate for each in (store.cert, *store.additional_certs) if each is not None]
    if not found:
        raise BadProperty("ssl.truststore.location", "holds no certificate")
    return {"ssl.ca.pem": "".join(each.public_bytes(Encoding.PEM).decode() for each in found)}


def _keystore(configs: Mapping[str, str]) -> Conf:
    location = configs.get("ssl.keystore.location")
    if not location:
        return {}
    if _store_type("ssl.keystore", configs) == "PEM":
        return {"ssl.certificate.location": location, "ssl.key.location": location}
    return {"ssl.keystore.location": location, "ssl.keystore.password": configs.get("ssl.keystore.password", "")}


def _store_type(head: str, configs: Mapping[str, str]) -> str:
    kind = configs.get(f"{head}.type", "JKS").upper()
    if kind not in ("PEM", "PKCS12"):
        raise BadProperty(f"{head}.type", f"{kind} cannot be read here; {_CONVERT}")
    return kind
