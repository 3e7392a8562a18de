"""Checking an Ed25519 signature: the one thing that the verifier takes from a library."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def check_ed25519(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether the signature is good (RFC 8032): the `SignatureCheck` that domain.checkpoint asks for."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):  # ValueError: 32 bytes that are no point of the curve
        return False
    return True
