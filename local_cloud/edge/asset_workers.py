"""Cloudflare's own Workers for static assets, as they come with Miniflare, which wrangler brings along."""

from pathlib import Path

from local_cloud.edge.process import LaunchError

_FILES = {"asset-worker.mjs": "assets.worker.js", "router-worker.mjs": "router.worker.js"}
"""Name that `assets.js` imports, to Miniflare's."""


class MissingAssetWorkersError(LaunchError):
    """They are not where workerd is; the message says where they were looked for."""


def asset_workers(workerd: Path) -> dict[str, str]:
    """Source by module name. `workerd`, the binary, is in the `node_modules` that Miniflare is in.

    Raises `MissingAssetWorkersError`.
    """
    for packages in workerd.resolve().parents:
        folder = packages / "miniflare" / "dist" / "src" / "workers" / "assets"
        if packages.name == "node_modules" and folder.is_dir():
            return {module: (folder / file).read_text(encoding="utf-8") for module, file in _FILES.items()}
    message = f"{workerd}: no node_modules above it holds Miniflare's Workers for static assets"
    raise MissingAssetWorkersError(message, stderr=[])
