"""Server properties of a SASL listener that also takes bearer tokens, or Kerberos tickets, beside passwords."""

from __future__ import annotations

from pipeline.local.ports import HOST
from tests.support.kerberos import REALM, Kdc
from tests.support.token_server import AUDIENCE, ISSUER, TokenServer

LISTENER = "listener.name.sasl_plaintext"
OAUTH = "org.apache.kafka.common.security.oauthbearer"
KERBEROS = "com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true"
CUT_AFTER_MS = 60_000
"""A login lasts this long, but no longer than what it was made with; then the broker cuts the connection (KIP-368)."""


def taking(*mechanisms: str) -> dict[str, str]:
    """PLAIN, and these."""
    return {f"{LISTENER}.sasl.enabled.mechanisms": ",".join(("PLAIN", *mechanisms))}


def tokens_of(server: TokenServer, cut_after_ms: int = CUT_AFTER_MS) -> dict[str, str]:
    """Tokens are checked by the server's public keys; 0 lets logins last."""
    listener = f"{LISTENER}.oauthbearer"
    return {
        f"{listener}.sasl.jaas.config": f"{OAUTH}.OAuthBearerLoginModule required;",
        f"{listener}.sasl.server.callback.handler.class": f"{OAUTH}.OAuthBearerValidatorCallbackHandler",
        f"{listener}.sasl.oauthbearer.jwks.endpoint.url": server.keys_url,
        f"{listener}.sasl.oauthbearer.expected.audience": AUDIENCE,
        f"{listener}.sasl.oauthbearer.expected.issuer": ISSUER,
        f"{listener}.sasl.oauthbearer.clock.skew.seconds": "0",
        f"{listener}.connections.max.reauth.ms": str(cut_after_ms),
    }


def tickets_of(kdc: Kdc, cut_after_ms: int = CUT_AFTER_MS) -> dict[str, str]:
    """Tickets for kafka/127.0.0.1; 0 lets logins last."""
    principal = f"kafka/{HOST}"
    keys = f'keyTab="{kdc.keytab(principal)}" principal="{principal}@{REALM}"'
    return {
        f"{LISTENER}.gssapi.sasl.jaas.config": f"{KERBEROS} {keys} storeKey=true isInitiator=false;",
        f"{LISTENER}.sasl.kerberos.service.name": "kafka",  # Kafka wants it of every mechanism beside GSSAPI
        f"{LISTENER}.gssapi.connections.max.reauth.ms": str(cut_after_ms),
    }


def java_of(server: TokenServer | None = None, kdc: Kdc | None = None) -> dict[str, str]:
    """The system properties of Java that go with them."""
    found = {} if server is None else {"org.apache.kafka.sasl.oauthbearer.allowed.urls": server.keys_url}
    return found | ({} if kdc is None else {"java.security.krb5.conf": str(kdc.krb5_conf)})


def by_token(server: TokenServer, client: str, secret: str) -> dict[str, str]:
    """Properties of a link, with underscores for dots."""
    return {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "OAUTHBEARER",
        "sasl_oauthbearer_token_endpoint_url": server.token_url,
        "sasl_oauthbearer_client_id": client,
        "sasl_oauthbearer_client_secret": secret,
    }


def by_keytab(keytab: object, user: str) -> dict[str, str]:
    """Properties of a link, with underscores for dots."""
    return {
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "GSSAPI",
        "sasl_kerberos_service_name": "kafka",
        "sasl_jaas_config": f'{KERBEROS} keyTab="{keytab}" principal="{user}@{REALM}";',
    }


def both(properties: dict[str, str]) -> dict[str, str]:
    """The same for the dialled cluster and, with `local_`, for the own one."""
    return properties | {f"local_{name}": value for name, value in properties.items()}
