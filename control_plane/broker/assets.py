"""Static assets: a session of one run for one script, and hashes that are the app's own.

Cloudflare keeps one file for each hash, for all apps: whoever knows the hash of a file could have it without having
the file, or give it other content first. So Cloudflare knows a file by a hash that was drawn for it, and a client sees
its own hashes alone. That hash is kept with the file. One that is not kept whole gets another hash with the next
deploy, and Cloudflare, which has never seen that, asks for it again.
"""

import secrets
import time
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, Literal

import jwt
from cryptography.fernet import Fernet, InvalidToken
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from control_plane.broker.bundles import Bundles, canonical
from control_plane.broker.forms import Part
from control_plane.broker.identity import Run
from control_plane.broker.permission import Target
from control_plane.broker.refusals import Refused
from infra.credentials import derived

MAX_FILES = 100_000
MAX_FILE = 25 * 1024 * 1024
SESSION_SECONDS = 3600
"""As long as Cloudflare's own session."""
_ALGORITHM = "HS256"
_LOOKS = 16
"""Files that are looked at at once: in a bucket, each look is three calls."""

Stage = Literal["upload", "complete"]
Hash = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


class File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    hash: Hash
    size: Annotated[int, Field(ge=0, le=MAX_FILE)]


class Manifest(BaseModel):
    """The files of a deploy by their paths, with the client's hashes."""

    model_config = ConfigDict(extra="forbid")

    manifest: Annotated[dict[Annotated[str, Field(pattern="^/")], File], Field(max_length=MAX_FILES)]

    @property
    def sizes(self) -> dict[str, int]:
        """By the hashes."""
        return {file.hash: file.size for file in self.manifest.values()}

    @classmethod
    def parse(cls, text: bytes) -> "Manifest":
        """Raises `Refused` (400)."""
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            problems = error.errors()
            told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in problems[:10])
            raise Refused(400, f"the asset manifest does not hold ({len(problems)} problems): {told}") from None


class Begun(Manifest):
    """As it is kept for a session: with what Cloudflare knows each hash by."""

    cloudflare: dict[Hash, Hash]

    @classmethod
    def of(cls, bundles: Bundles, digest: str) -> "Begun":
        """Raises `Refused` (409) where it is lost, or of an earlier version."""
        try:
            return cls.model_validate_json(bundles.read(digest))
        except (KeyError, ValidationError):
            raise Refused(409, "what this asset upload session is of was lost: run the workflow again") from None


class Session(BaseModel):
    """What a token of a session says. `manifest` is the digest of a kept `Begun`, `cloudflare` its sealed token."""

    model_config = ConfigDict(frozen=True)

    app_id: str
    script: str
    repository: str
    run_id: int
    run_attempt: int
    manifest: str
    stage: Stage
    cloudflare: str

    def check(self, run: Run, target: Target) -> None:
        """Raises `Refused` (403) for a session of another run or script."""
        if (self.app_id, self.script) != (target.app_id, target.script):
            raise Refused(403, "the assets are another script's: their session is not of this deploy")
        if (self.run_id, self.run_attempt) != (run.run_id, run.run_attempt):
            raise Refused(403, "the assets are another run's: their session is not of this deploy")


class Sessions:
    """Signs and opens the tokens. Nothing has to be remembered, so that each server process takes those of another."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._key = bytes.fromhex(derived(root, "broker:sessions"))
        self._seal = Fernet(urlsafe_b64encode(bytes.fromhex(derived(root, "broker:cloudflare"))))

    def begun(self, run: Run, target: Target, manifest: str, cloudflare: str, stage: Stage) -> str:
        session = Session(
            app_id=target.app_id,
            script=target.script,
            repository=run.repository,
            run_id=run.run_id,
            run_attempt=run.run_attempt,
            manifest=manifest,
            stage=stage,
            cloudflare=self._sealed(cloudflare),
        )
        return self._signed(session)

    def completed(self, session: Session, cloudflare: str) -> str:
        return self._signed(session.model_copy(update={"stage": "complete", "cloudflare": self._sealed(cloudflare)}))

    def open(self, token: str, stage: Stage) -> Session:
        """Raises `Refused` (401)."""
        try:
            claims = jwt.decode(token, self._key, algorithms=[_ALGORITHM], options={"require": ["exp"]})
            session = Session.model_validate(claims)
        except (jwt.InvalidTokenError, ValidationError):
            raise Refused(401, "the token is not one of an asset upload session, or has expired") from None
        if session.stage != stage:
            raise Refused(401, f"the asset upload session's token is not the one to {stage} with")
        return session

    def cloudflare(self, session: Session) -> str:
        """Cloudflare's own token of the session."""
        try:
            return self._seal.decrypt(session.cloudflare).decode()
        except InvalidToken:
            raise Refused(401, "the asset upload session's token does not hold") from None

    def salted(self, app_id: str, hash_: str) -> str:
        """What is known of a file of an app has this name."""
        return derived(self._root, f"asset:{app_id}:{hash_}")[:32]

    def _sealed(self, token: str) -> str:
        return self._seal.encrypt(token.encode()).decode()

    def _signed(self, session: Session) -> str:
        return jwt.encode({**session.model_dump(), "exp": int(time.time()) + SESSION_SECONDS}, self._key, _ALGORITHM)


def check(parts: list[Part], manifest: Manifest) -> None:
    """The parts are files of the manifest, each under its hash. Raises `Refused` (400) with all that are not."""
    sizes = manifest.sizes
    problems = []
    for part in parts:
        if part.filename != part.name or not part.content_type:
            problems.append(f"part {part.name!a} must have its name as file name, and a content type")
        elif part.name not in sizes:
            problems.append(f"file {part.name!a} is not in the manifest of this session")
        elif part.size != (sizes[part.name] + 2) // 3 * 4:
            problems.append(f"file {part.name} has not the size that the manifest says")
    if problems:
        raise Refused(400, "; ".join(problems[:10]))


def begun(bundles: Bundles, app_id: str, manifest: Manifest, sessions: Sessions) -> Begun:
    """What Cloudflare is asked about: files that are kept by their hashes, and each other one by a new hash."""
    known = _known(bundles, app_id, manifest, sessions)
    names = {own: known[own]["hash"] if own in known else secrets.token_hex(16) for own in manifest.sizes}
    return Begun(manifest=manifest.manifest, cloudflare=names)


def keep(bundles: Bundles, part: Part, hash_: str) -> str:
    """Keep a file that Cloudflare knows by a hash; the digest of what is known of it. Raises `Refused` (400) for no
    base64."""
    file = {"hash": hash_, "content_type": part.content_type, "digest": bundles.store.put(_decoded(part))}
    return bundles.store.put([canonical(file)])


def name(bundles: Bundles, name_: str, size: int, record: str) -> None:
    """Have a kept file found by later deploys, unless one is: its name stands for that as long as it is whole."""
    if _whole(bundles, name_, size) is None:
        bundles.store.name(name_, record)


def kept(bundles: Bundles, session: Session, sessions: Sessions) -> dict[str, Any] | None:
    """The assets of a bundle: each file of the session's manifest. None: one of them is not kept whole."""
    try:
        manifest = Begun.of(bundles, session.manifest)
    except Refused:
        return None
    known = _known(bundles, session.app_id, manifest, sessions)
    files = {path: known.get(file.hash) for path, file in manifest.manifest.items()}
    return files if all(files.values()) else None


def _known(bundles: Bundles, app_id: str, manifest: Manifest, sessions: Sessions) -> dict[str, dict[str, str]]:
    """What is known of the files that are kept whole, by their hashes."""
    sizes = manifest.sizes
    with ThreadPoolExecutor(_LOOKS) as pool:
        found = pool.map(lambda one: _whole(bundles, sessions.salted(app_id, one), sizes[one]), sizes)
        return {hash_: file for hash_, file in zip(sizes, found, strict=True) if file}


def _whole(bundles: Bundles, name_: str, size: int) -> dict[str, str] | None:
    """What is known of a file by its name. None: that is lost, damaged or an earlier version's, or the file
    is not whole, as its size tells."""
    try:
        file = bundles.named(name_)
        same = bundles.store.size(file["digest"]) == size
        return {key: file[key] for key in ("hash", "content_type", "digest")} if same else None
    except KeyError:
        return None


def _decoded(part: Part) -> Iterator[bytes]:
    try:
        for chunk in part.content():
            yield b64decode(chunk, validate=True)
    except ValueError:
        raise Refused(400, f"file {part.name} is not base64") from None
