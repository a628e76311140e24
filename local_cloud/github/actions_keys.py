"""A repository's key pair: clients seal Actions secrets with the public half, and only the local cloud opens them."""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox

from local_cloud.call import Call
from local_cloud.github.dialect import refusal
from local_cloud.store import Document


def new_key(call: Call) -> Document:
    """`{"key_id", "public", "sealed"}`: the private half sealed for the store, both halves in base64."""
    key = PrivateKey.generate()
    private = b64encode(bytes(key)).decode()
    public = b64encode(bytes(key.public_key)).decode()
    return {"key_id": str(call.store.next_number()), "public": public, "sealed": call.cloud.vault.seal(private)}


def public_key(call: Call, repository: Document) -> dict[str, str]:
    key = _key(call, repository)
    return {"key_id": key["key_id"], "key": key["public"]}


def unseal(call: Call, repository: Document, key_id: str, encrypted_value: str) -> str:
    """The secret that a client has sealed (libsodium's sealed box, in base64). Refused if it can't be opened."""
    key = _key(call, repository)
    if key_id != key["key_id"]:
        raise refusal(422, f"key_id {key_id!r} is not the repository's: get its public key again")
    private = PrivateKey(b64decode(call.cloud.vault.open(key["sealed"])))
    try:
        return SealedBox(private).decrypt(b64decode(encrypted_value, validate=True)).decode()
    except (CryptoError, Base64Error, ValueError) as error:
        raise refusal(422, f"encrypted_value is not sealed with the repository's public key: {error}") from None


def _key(call: Call, repository: Document) -> Document:
    key = call.store.get("actions_keys", str(repository["id"]), "")
    assert key is not None  # noqa: S101 - made with the repository
    return key
