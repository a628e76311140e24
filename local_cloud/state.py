"""The state directory: who owns it, and the keys that are made in it at the first start."""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from filelock import FileLock, Timeout

from local_cloud.vault import Vault

KEY_BYTES = 32


class StateError(Exception):
    """The directory can't be used; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """The tokens that the two emulated services accept, and GitHub's one App, whose private key is in PEM.

    `page_key` opens the local cloud's own page.
    """

    cloudflare_token: str
    github_token: str
    page_key: str
    github_app_id: str
    github_client_id: str
    github_private_key: str


class StateDirectory:
    """Everything the local cloud keeps, in one directory that one process at a time may use."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.database = self.path / "cloud.sqlite3"
        self.repositories = self.path / "repositories"
        self.databases = self.path / "databases"
        self.snapshots = self.path / "snapshots"
        self.edge = self.path / "edge"
        self.actions = self.path / "actions"
        self.request_log = self.path / "requests.log"
        self._pid = self.path / "local-cloud.pid"
        self._lock = FileLock(self.path / "lock")

    def acquire(self) -> None:
        """Take the directory for this process until it ends. Raises `StateError` if another one has it."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            pid = self._pid.read_text().strip() if self._pid.exists() else "unknown"
            raise StateError(
                f"{self.path} is in use by another local cloud, process {pid}: stop it (kill {pid}) "
                "or give this one another --state"
            ) from None
        self._pid.write_text(f"{os.getpid()}\n")

    def release(self) -> None:
        self._pid.unlink(missing_ok=True)
        self._lock.release()

    def credentials(self) -> Credentials:
        """What is in `credentials.json`; made up if there is none yet, or no App or no key of the page in it."""
        path = self.path / "credentials.json"
        try:
            kept = json.loads(path.read_bytes()) if path.exists() else _new_tokens()
            app = {} if "github_app_id" in kept else _new_app()
            credentials = Credentials(**{"page_key": f"local-page-{secrets.token_hex(20)}", **kept, **app})
        except (ValueError, TypeError) as error:
            raise StateError(f"{path} is damaged ({error}): rm {path}, and new tokens are made at the start") from None
        if asdict(credentials) != kept:
            write_private(path, json.dumps(asdict(credentials), indent=2).encode())
        return credentials

    def vault(self) -> Vault:
        """The vault under the key in `secret.key`, which is made if there is none yet."""
        path = self.path / "secret.key"
        if not path.exists():
            if self.database.exists():
                raise StateError(
                    f"{path} is gone, and with it the secrets in {self.database}: put the key back, "
                    f"or give up the state with: rm -r {self.path}"
                )
            write_private(path, secrets.token_bytes(KEY_BYTES))
        key = path.read_bytes()
        if len(key) != KEY_BYTES:
            raise StateError(f"{path} is damaged: put the key back, or give up the state with: rm -r {self.path}")
        return Vault(key)

    def oidc_key(self) -> RSAPrivateKey:
        """The key that identity tokens of runs are signed with, in `oidc.pem`; made if there is none yet."""
        path = self.path / "oidc.pem"
        if not path.exists():
            write_private(path, _pem(generate_private_key(public_exponent=65537, key_size=2048)))
        key = load_pem_private_key(path.read_bytes(), password=None)
        assert isinstance(key, RSAPrivateKey)  # noqa: S101 - no other is made
        return key


def _new_tokens() -> dict[str, str]:
    return {
        "cloudflare_token": f"local-cloudflare-{secrets.token_hex(20)}",
        "github_token": f"local-github-{secrets.token_hex(20)}",
    }


def _new_app() -> dict[str, str]:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    return {
        "github_app_id": str(100_000 + secrets.randbelow(900_000)),
        "github_client_id": f"Iv23li{secrets.token_hex(7)}",
        "github_private_key": _pem(key).decode(),
    }


def _pem(key: RSAPrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    incoming = path.with_suffix(".incoming")
    incoming.unlink(missing_ok=True)
    with open(os.open(incoming, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    incoming.replace(path)
