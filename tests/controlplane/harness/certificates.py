"""A certificate authority of the test's own: one for each plane, kept in its temporary folder."""

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Two PEM files: a certificate and its private key."""

    certificate: Path
    key: Path


class Authority:
    """Signs serving certificates and client certificates; the API server trusts it for both."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("compute-gatekeeper test authority")
        certificate = (
            self._builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.certificate = folder / "ca.crt"
        self.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def serving(self, name: str, hosts: Sequence[str]) -> KeyPair:
        """A certificate for a server that answers at the given host names and addresses."""
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        return self._issue(f"serving-{name}", _name(name), (usage, names))

    def client(self, file_stem: str, user: str, groups: Sequence[str]) -> KeyPair:
        """A certificate by which the API server knows the bearer as user, a member of the groups."""
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        return self._issue(file_stem, _name(user, groups), (usage,))

    def key_pair(self, file_stem: str) -> KeyPair:
        """A bare pair: a public key (as PEM, in place of a certificate) and its private key, for signing tokens."""
        key = ec.generate_private_key(ec.SECP256R1())
        public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return self._write(file_stem, public, key, ".pub")

    def _issue(self, file_stem: str, subject: x509.Name, extensions: Sequence[x509.ExtensionType]) -> KeyPair:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(subject, key.public_key())
        for extension in extensions:
            builder = builder.add_extension(extension, critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        return self._write(file_stem, certificate.public_bytes(serialization.Encoding.PEM), key, ".crt")

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(minutes=5))
            .not_valid_after(now + datetime.timedelta(days=7))
        )

    def _write(self, file_stem: str, public: bytes, key: ec.EllipticCurvePrivateKey, suffix: str) -> KeyPair:
        pair = KeyPair(self._folder / f"{file_stem}{suffix}", self._folder / f"{file_stem}.key")
        pair.certificate.write_bytes(public)
        pair.key.touch(mode=0o600)
        # Traditional form: kube-apiserver reads service account signing keys in it.
        pair.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        )
        return pair


def _name(common: str, organizations: Sequence[str] = ()) -> x509.Name:
    # A user name may be longer than the 64 characters that X.509 allows and Go does not check.
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, each, _validate=False) for each in organizations]
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common, _validate=False)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)
