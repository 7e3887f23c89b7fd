"""Kafka's Java client properties, as librdkafka wants them (LINK-50..58, LINK-70..90).

Most names are the same in both. The differences are rows of a table or a function below; a property that means
nothing to a comparing consumer is left out. Secrets are passed on, never logged. For GSSAPI see
`aio_sides`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12

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
_JKS, _ASN1_SEQUENCE = b"\xfe", b"\x30"
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
    store = _pkcs12("ssl.truststore", configs)
    if not _certificates(store):
        raise BadProperty("ssl.truststore.location", "holds no certificate")
    return {"ssl.ca.pem": _certificates(store)}


def _keystore(configs: Mapping[str, str]) -> Conf:
    location = configs.get("ssl.keystore.location")
    if not location:
        return {}
    if _store_type("ssl.keystore", configs) == "PEM":
        return {"ssl.certificate.location": location, "ssl.key.location": location}
    # Not by librdkafka's own property, which does not take a store without a password.
    store = _pkcs12("ssl.keystore", configs)
    if store.key is None or store.cert is None:
        raise BadProperty("ssl.keystore.location", f"{location} holds no private key with its certificate")
    key = store.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return {"ssl.certificate.pem": _certificates(store), "ssl.key.pem": key}


def _pkcs12(head: str, configs: Mapping[str, str]) -> pkcs12.PKCS12KeyAndCertificates:
    password = configs.get(f"{head}.password", "").encode() or None
    with open(configs[f"{head}.location"], "rb") as file:
        try:
            return pkcs12.load_pkcs12(file.read(), password)
        except ValueError as error:
            raise BadProperty(f"{head}.location", f"cannot be opened with {head}.password: {error}") from error


def _certificates(store: pkcs12.PKCS12KeyAndCertificates) -> str:
    found = [each.certificate for each in (store.cert, *store.additional_certs) if each is not None]
    return "".join(each.public_bytes(Encoding.PEM).decode() for each in found)


def _store_type(head: str, configs: Mapping[str, str]) -> str:
    """A store whose type is not said (Kafka's default is JKS) is judged by its first byte, as those of links are."""
    kind = configs.get(f"{head}.type", "JKS").upper()
    if kind in ("PEM", "PKCS12"):
        return kind
    location = configs[f"{head}.location"]
    try:
        with open(location, "rb") as file:
            first = file.read(1)
    except OSError as error:
        raise BadProperty(f"{head}.location", f"{location}: {error.strerror}") from error
    if kind != "JKS" or first == _JKS:
        raise BadProperty(f"{head}.type", f"{kind} cannot be read here; {_CONVERT}")
    return "PKCS12" if first == _ASN1_SEQUENCE else "PEM"
