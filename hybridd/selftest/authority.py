"""An authority of the self-test's own: it vouches on this machine for the names that the daemon's messages go to."""

import datetime
import ipaddress
import ssl
from collections.abc import Iterable
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_LIFE = datetime.timedelta(days=30)


def vouch(folder: Path, names: Iterable[str]) -> ssl.SSLContext:
    """A server's context for all `names`. Who trusts `authority.pem` in `folder`, and nobody else, believes it."""
    issuer_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = _name("hybridd self-test")
    root = _begun(issuer, issuer, issuer_key).add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
    usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
    root = root.add_extension(usage, True)
    root = root.add_extension(x509.SubjectKeyIdentifier.from_public_key(issuer_key.public_key()), False)
    here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    leaf = _begun(_name("hybridd self-test service"), issuer, key)
    leaf = leaf.add_extension(x509.SubjectAlternativeName([*map(x509.DNSName, sorted(names)), here]), False)
    by = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    leaf = leaf.add_extension(by, False)
    certificate = leaf.sign(issuer_key, SHA256()).public_bytes(Encoding.PEM)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "authority.pem").write_bytes(root.sign(issuer_key, SHA256()).public_bytes(Encoding.PEM))
    chain = folder / "service.pem"
    chain.write_bytes(secret + certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _begun(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    begun = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key.public_key())
    begun = begun.serial_number(x509.random_serial_number())
    return begun.not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + _LIFE)
