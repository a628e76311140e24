"""Who has the public key can tell that a document is the platform's, and can make none: Ed25519."""

import base64

from nacl.signing import SigningKey

from infra.credentials import derived


def signature(root: str, content: bytes) -> str:
    """Of a document, in base64. `root` is the platform's webhook secret, from which the key is derived."""
    return base64.b64encode(_key(root).sign(content).signature).decode()


def public_key(root: str) -> str:
    """What signatures are checked with, in base64."""
    return base64.b64encode(bytes(_key(root).verify_key)).decode()


def _key(root: str) -> SigningKey:
    return SigningKey(bytes.fromhex(derived(root, "billing")))
