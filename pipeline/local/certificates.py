"""An authority of our own, and certificates it issues: TLS for clusters that live as long as a test."""

from __future__ import annotations

import datetime
import ipaddress
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_VALID_FOR = datetime.timedelta(days=30)
_CLOCK_SKEW = datetime.timedelta(days=1)


@dataclass(frozen=True)
class KeyPair:
    """All three in PEM: the certificate, whose names are what it was issued for, and who vouches for it."""

    key: str = field(repr=False)
    certificate: str
    authority: str


class Authority:
    """Issues certificates that whoever trusts `certificate` accepts."""

    def __init__(self, name: str = "clusterlink test authority") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        unsigned = _builder(self._name, self._name, self._key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.certificate = _pem(unsigned.sign(self._key, hashes.SHA256()))

    def issue(
        self,
        common_name: str,
        hosts: tuple[str, ...] = (),
        valid_for: datetime.timedelta = _VALID_FOR,
        organization: str = "",
    ) -> KeyPair:
        """A key and a certificate for a user (its name) or for a server (the hosts it answers for).

        It is valid from a day ago on; with less than nothing for `valid_for` it has expired.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        unsigned = _builder(_name(common_name, organization), self._name, key.public_key(), valid_for)
        if hosts:
            unsigned = unsigned.add_extension(x509.SubjectAlternativeName([_host(h) for h in hosts]), critical=False)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        return KeyPair(private, _pem(unsigned.sign(self._key, hashes.SHA256())), self.certificate)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, valid_for: datetime.timedelta = _VALID_FOR
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + valid_for)
    )


def _name(common_name: str, organization: str = "") -> x509.Name:
    """Brokers write it the other way round: ``CN=worker,O=Example``."""
    parts = {NameOID.ORGANIZATION_NAME: organization, NameOID.COMMON_NAME: common_name}
    return x509.Name([x509.NameAttribute(kind, value) for kind, value in parts.items() if value])


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
