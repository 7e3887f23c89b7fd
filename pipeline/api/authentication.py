"""Who calls, and what they may do (REST-95): Basic, bearer tokens, TLS client certificates, or nobody by explicit
choice.

Secrets are kept as SHA-256 digests and compared in constant time against every credential of the method, so neither
the answer nor its time tells which name or token came close (SEC-34). Two roles: a reader may look, an operator may
also change.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

ANONYMOUS = "User:ANONYMOUS"
REALM = "clusterlink"

_SPECIAL = re.compile(r"""[,+"\\<>;=]""")
_SHORT = {
    "commonName": "CN",
    "organizationalUnitName": "OU",
    "organizationName": "O",
    "localityName": "L",
    "stateOrProvinceName": "ST",
    "countryName": "C",
    "domainComponent": "DC",
    "emailAddress": "EMAILADDRESS",
}


class Role(Enum):
    READER = "reader"
    OPERATOR = "operator"


class Method(Enum):
    BASIC = "basic"
    BEARER = "bearer"
    CERTIFICATE = "certificate"


@dataclass(frozen=True)
class Principal:
    """Who is behind a request, as it goes into commands and the audit log (SEC-36)."""

    name: str
    role: Role


@dataclass(frozen=True)
class Credential:
    """One row: how the caller proves a name, and the role this gives.

    `digest` is the SHA-256 of `name:secret` (basic) or of the token (bearer); for certificates it is empty, as TLS has
    already proved the subject.
    """

    method: Method
    name: str
    role: Role
    digest: bytes = b""

    @classmethod
    def of(cls, method: Method, name: str, role: Role, secret: str = "") -> Credential:
        proof = {Method.BASIC: f"{name}:{secret}", Method.BEARER: secret, Method.CERTIFICATE: ""}[method]
        return cls(method, name, role, _digest(proof) if proof else b"")


@dataclass(frozen=True)
class Authentication:
    """How callers are recognised. Without credentials nobody gets in; `Authentication.off()` lets everybody in as
    operator.
    """

    credentials: tuple[Credential, ...] = ()
    required: bool = True
    hosts: frozenset[str] = frozenset()
    """Where nothing is required: by which names workers may be called, see `known_hosts`."""

    @classmethod
    def off(cls, hosts: frozenset[str] = frozenset()) -> Authentication:
        """The explicit choice of no authentication: every caller is User:ANONYMOUS with the operator's role."""
        return cls((), required=False, hosts=hosts)

    def recognise(self, authorization: str | None, certificate: Mapping[str, Any] | None) -> Principal | None:
        """Return the caller behind an Authorization header or a verified TLS peer certificate, or None (401)."""
        if not self.required:
            return Principal(ANONYMOUS, Role.OPERATOR)
        if authorization:
            scheme, _, rest = authorization.strip().partition(" ")
            if scheme.lower() == "basic":
                return self._matching(Method.BASIC, _basic_pair(rest.strip()))
            if scheme.lower() == "bearer":
                return self._matching(Method.BEARER, rest.strip())
            return None
        return self._certified(certificate) if certificate else None

    def challenge(self) -> str:
        """Value of the WWW-Authenticate header of a 401."""
        methods = {credential.method for credential in self.credentials}
        offers = [f'Basic realm="{REALM}", charset="UTF-8"'] if Method.BASIC in methods else []
        offers += [f'Bearer realm="{REALM}"'] if Method.BEARER in methods else []
        return ", ".join(offers) or f'Basic realm="{REALM}", charset="UTF-8"'

    def _matching(self, method: Method, proof: str) -> Principal | None:
        offered, found = _digest(proof), None
        for credential in self.credentials:
            if credential.method is method and hmac.compare_digest(credential.digest, offered):
                found = Principal(f"User:{credential.name}", credential.role)
        return found

    def _certified(self, certificate: Mapping[str, Any]) -> Principal | None:
        subject = distinguished_name(certificate)
        names = {subject, *(part for part in _parts(certificate) if part.startswith("CN="))}
        for credential in self.credentials:
            if credential.method is Method.CERTIFICATE and credential.name in names:
                return Principal(f"User:{subject}", credential.role)
        return None


def distinguished_name(certificate: Mapping[str, Any]) -> str:
    """Subject of a certificate as ssl.getpeercert() gives it, in the form Kafka uses: `CN=ops,OU=x,O=y` (most
    specific first).
    """
    return ",".join(reversed(_parts(certificate)))


def _parts(certificate: Mapping[str, Any]) -> list[str]:
    """`CN=ops` and so on, special characters escaped as in RFC 2253: no value can pass for another part."""
    return [
        f"{_SHORT.get(name, name)}={_SPECIAL.sub(_escaped, value)}"
        for rdn in certificate.get("subject", ())
        for name, value in rdn
    ]


def _escaped(found: re.Match[str]) -> str:
    return "\\" + found[0]


def read_authentication(method: str, lines: Iterable[str]) -> Authentication:
    """Give what the setting rest_authentication (none, basic, bearer, mtls) and the credentials file say together.

    A line of the file is `role:name:secret`, for mtls `role:subject`, where the subject is the whole distinguished
    name or just its `CN=...`; `#` begins a comment line. Raises ValueError that names every bad line by number, never
    by content.
    """
    if method == "none":
        return Authentication.off()
    kind = {"basic": Method.BASIC, "bearer": Method.BEARER, "mtls": Method.CERTIFICATE}[method]
    credentials, problems = [], []
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if text and not text.startswith("#"):
            try:
                credentials.append(_credential(kind, text))
            except ValueError as error:
                problems.append(f"line {number}: {error}")
    if not credentials and not problems:
        problems.append("it names nobody, so nobody could get in")
    if problems:
        raise ValueError("REST credentials file: " + "; ".join(problems))
    return Authentication(tuple(credentials))


def _credential(method: Method, line: str) -> Credential:
    role, colon, rest = line.partition(":")
    roles = {each.value: each for each in Role}
    if not colon or role not in roles:
        raise ValueError(f"must begin with {' or '.join(f'{each}:' for each in roles)}")
    if method is Method.CERTIFICATE:
        name, secret = rest.strip(), ""
    else:
        name, _, secret = rest.partition(":")
        if not secret:
            raise ValueError("must be role:name:secret, none of them empty")
    if not name:
        raise ValueError("the name is empty")
    return Credential.of(method, name, roles[role], secret)


def _basic_pair(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
