"""What an app that was removed has left: scripts that no stack knows, and that would be the next owner's of its id.

They are its pull requests' previews, and what a deploy under way has brought back.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from control_plane import audit, namespace_scripts
from control_plane.broker.upstream import Upstream
from control_plane.database import Database
from control_plane.locks import ScriptLocks
from control_plane.settings import locks_folder
from infra.names import AppEnvironment, Script


async def remove(  # noqa: PLR0913 - all that it works with
    app_id: str,
    database: Database,
    state: Path,
    *,
    account: str,
    namespaces: Mapping[AppEnvironment, str],
    cloudflare: tuple[str, str],
    actor: str,
) -> list[str]:
    """Remove each script with the app's tag; their names. `cloudflare`: its API's URL and a token for it.

    The app is forgotten by now, so that nobody who waits for a script's lock uploads it any more, and still suspended,
    so that nothing of it is served meanwhile. Raises `Refused`; done again, it goes on.
    """
    locks, upstream = ScriptLocks(database, locks_folder(state)), await asyncio.to_thread(Upstream, *cloudflare)
    removed: list[str] = []
    try:
        for environment, namespace in namespaces.items():
            path = namespace_scripts.path_of(account, namespace)
            async with locks.held(Script(app_id=app_id, environment=environment).name):
                # Whoever was uploading the app's own script has come to an end. A preview's uploader looks by itself.
                found = await namespace_scripts.names(upstream, path, f"app-{app_id}")
            for script in found:
                async with locks.held(script):
                    await namespace_scripts.remove(upstream, path, script)
                    await asyncio.to_thread(_note, database, script, app_id, actor)
                removed.append(script)
    finally:
        await upstream.close()
    return removed


def _note(database: Database, script: str, app_id: str, actor: str) -> None:
    with database.writing() as session:
        audit.append(session, audit.Deed(actor, "app.remains", f"script:{script}", details={"app": app_id}))
