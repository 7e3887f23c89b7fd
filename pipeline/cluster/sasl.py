"""The ``sasl.*`` properties (LINK-71 to LINK-81): which mechanism, and with which credential."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipeline.cluster import jaas, kerberos
from pipeline.cluster.kerberos import Kerberos
from pipeline.cluster.oauth import Refreshing, TokenEndpoint, TokenSource
from pipeline.cluster.properties import Properties
from pipeline.cluster.tls import TlsContext

MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "GSSAPI")

_PASSWORD_MODULES = ("PlainLoginModule", "ScramLoginModule")
_MODULES = {
    "PLAIN": _PASSWORD_MODULES,
    "SCRAM-SHA-256": _PASSWORD_MODULES,
    "SCRAM-SHA-512": _PASSWORD_MODULES,
    "OAUTHBEARER": ("OAuthBearerLoginModule",),
    "GSSAPI": ("Krb5LoginModule",),
}
_OWN_OAUTH_HANDLERS = ("OAuthBearerLoginCallbackHandler", "OAuthBearerSaslClientCallbackHandler")
_KAFKA_PACKAGE = "org.apache.kafka.common.security."


@dataclass(frozen=True)
class Sasl:
    """One mechanism with its credential: a name and password, tokens, or Kerberos."""

    mechanism: str
    username: str = ""
    password: str = field(default="", repr=False)
    tokens: TokenSource | None = field(default=None, repr=False)
    kerberos: Kerberos | None = None


def read_sasl(properties: Properties, tls: TlsContext | None) -> Sasl:
    """Read everything about SASL; ``tls`` is the trust that a token endpoint gets as well. Raises SecurityError."""
    _refuse_classes(properties)
    mechanism = properties.one_of("sasl.mechanism", MECHANISMS, "GSSAPI")
    login = _login(properties, mechanism)
    if mechanism == "OAUTHBEARER":
        return Sasl(mechanism, tokens=_tokens(properties, login, tls))
    if mechanism == "GSSAPI":
        return Sasl(mechanism, kerberos=_kerberos(properties, login))
    if login.options.get("tokenauth", "false").lower() == "true":
        raise properties.refused("sasl.jaas.config", "delegation tokens (tokenauth) cannot be used here")
    for option in ("username", "password"):
        if option not in login.options:
            raise properties.refused("sasl.jaas.config", f"has no {option}")
    return Sasl(mechanism, login.options["username"], login.options["password"])


def _login(properties: Properties, mechanism: str) -> jaas.Login:
    """The JAAS entry, whose module must fit the mechanism. For OAUTHBEARER the properties alone will do."""
    text = properties.text("sasl.jaas.config")
    if text is None and mechanism == "OAUTHBEARER":
        return jaas.Login("OAuthBearerLoginModule", {})
    login = jaas.parse(text or "", properties.head + "sasl.jaas.config")
    if login.module not in _MODULES[mechanism]:
        wanted = " or ".join(_MODULES[mechanism])
        raise properties.refused("sasl.jaas.config", f"sasl.mechanism {mechanism} takes {wanted}, not {login.module}")
    return login


def _tokens(properties: Properties, login: jaas.Login, tls: TlsContext | None) -> TokenSource:
    def either(name: str, option: str) -> str | None:
        return properties.text(name) or login.options.get(option)

    url = properties.text("sasl.oauthbearer.token.endpoint.url")
    if url is None or not url.startswith(("https://", "http://")):
        raise properties.refused("sasl.oauthbearer.token.endpoint.url", "is required, as http:// or https://")
    client_id = either("sasl.oauthbearer.client.id", "clientId")
    if client_id is None:
        raise properties.refused("sasl.oauthbearer.client.id", "is required, here or as clientId in sasl.jaas.config")
    secret = either("sasl.oauthbearer.client.secret", "clientSecret")
    if secret is None:
        problem = "is required, here or as clientSecret in sasl.jaas.config"
        raise properties.refused("sasl.oauthbearer.client.secret", problem)
    endpoint = TokenEndpoint(
        url=url,
        client_id=client_id,
        client_secret=secret,
        scope=either("sasl.oauthbearer.scope", "scope") or "",
        extensions={
            name.removeprefix("extension_"): value
            for name, value in login.options.items()
            if name.startswith("extension_")
        },
    )
    refreshing = Refreshing(
        window_factor=properties.fraction("sasl.login.refresh.window.factor", 0.8, 0.5, 1.0),
        window_jitter=properties.fraction("sasl.login.refresh.window.jitter", 0.05, 0.0, 0.25),
        min_period_seconds=properties.number("sasl.login.refresh.min.period.seconds", 60),
        buffer_seconds=properties.number("sasl.login.refresh.buffer.seconds", 300),
    )
    return TokenSource(endpoint, refreshing, tls.for_https if tls is not None else lambda: None)


def _kerberos(properties: Properties, login: jaas.Login) -> Kerberos:
    if not kerberos.is_available():
        raise properties.refused(
            "sasl.mechanism",
            "GSSAPI needs the Python package gssapi on every worker: pip install 'clusterlink[gssapi]' (LINK-76)",
        )

    def is_on(option: str) -> bool:
        return login.options.get(option, "false").lower() == "true"

    settings = Kerberos(
        service=properties.text("sasl.kerberos.service.name") or login.options.get("serviceName") or "kafka",
        principal=login.options.get("principal"),
        keytab=login.options.get("keyTab") if is_on("useKeyTab") else None,
        ticket_cache=login.options.get("ticketCache") if is_on("useTicketCache") else None,
    )
    if is_on("useKeyTab") and (settings.keytab is None or settings.principal is None):
        raise properties.refused("sasl.jaas.config", "useKeyTab=true needs keyTab and principal")
    settings.check(properties.head + "sasl.jaas.config")
    return settings


def _refuse_classes(properties: Properties) -> None:
    """LINK-73 to LINK-75: Java classes are refused, but for Kafka's own whose work is done here."""
    if properties.text("sasl.login.class") is not None:
        raise properties.refused("sasl.login.class", "names a Java class, which cannot be used here (LINK-75)")
    for name in ("sasl.client.callback.handler.class", "sasl.login.callback.handler.class"):
        value = properties.text(name)
        if value is None:
            continue
        if not value.startswith(_KAFKA_PACKAGE) or value.rsplit(".", 1)[-1] not in _OWN_OAUTH_HANDLERS:
            problem = (
                f"{value} is a Java class, which cannot be used here; of Kafka's own the OAuth ones are understood"
            )
            raise properties.refused(name, problem)
