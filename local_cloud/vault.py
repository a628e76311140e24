"""What the state directory's own key is for: secrets at rest, and tokens that the local cloud signs itself."""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import jwt
from nacl.secret import SecretBox

ALGORITHM = "HS256"


class Vault:
    """Seals texts so that they can be stored: XSalsa20-Poly1305 (NaCl's secretbox) under a key of 32 bytes.

    JSON web tokens are signed with a key that is derived from it.
    """

    def __init__(self, key: bytes) -> None:
        self._box = SecretBox(key)
        self._signing_key = blake2b(key=key, digest_size=32, person=b"json web tokens").digest()

    def seal(self, text: str) -> str:
        """`text`, encrypted, in base64. The same text looks different each time."""
        return b64encode(self._box.encrypt(text.encode())).decode()

    def open(self, sealed: str) -> str:
        """What `seal` was given. Raises `nacl.exceptions.CryptoError` if the key or the text is another one."""
        return self._box.decrypt(b64decode(sealed)).decode()

    def token(self, claims: Mapping[str, Any]) -> str:
        """A JSON web token that only this key signs."""
        return jwt.encode(dict(claims), self._signing_key, ALGORITHM)

    def claims(self, token: str) -> dict[str, Any]:
        """What `token` was given. Raises `jwt.InvalidTokenError` if it is of another key, changed or expired."""
        return jwt.decode(token, self._signing_key, [ALGORITHM], options={"require": ["exp"]})
