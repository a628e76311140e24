"""The SDK of Pulumi's Cloudflare provider, loaded when something of it is first used.

To load it takes over two CPU seconds, as long as all else that the app program does, and most apps have nothing of it.
"""

import importlib.util
import sys
from types import ModuleType


def _lazy(name: str) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


cloudflare = _lazy("pulumi_cloudflare")
