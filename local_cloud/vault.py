"""Secrets at rest: everything confidential in the store is sealed with the state directory's own key."""

from base64 import b64decode, b64encode

from nacl.secret import SecretBox


class Vault:
    """Seals texts so that they can be stored: XSalsa20-Poly1305 (NaCl's secretbox) under a key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._box = SecretBox(key)

    def seal(self, text: str) -> str:
        """`text`, encrypted, in base64. The same text looks different each time."""
        return b64encode(self._box.encrypt(text.encode())).decode()

    def open(self, sealed: str) -> str:
        """What `seal` was given. Raises `nacl.exceptions.CryptoError` if the key or the text is another one."""
        return self._box.decrypt(b64decode(sealed)).decode()
