"""`python -m local_cloud serve ...`: run the local cloud in the foreground."""

import argparse
import asyncio
import logging
import sys
from pathlib import Path

from local_cloud.edge import LaunchError, UnrunnableError
from local_cloud.ports import PortInUseError
from local_cloud.serving import serve
from local_cloud.settings import LOOPBACK, Settings, SettingsError
from local_cloud.state import StateError
from local_cloud.store import StoreError


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 after a signal, 1 if it could not start, 2 for wrong arguments."""
    parser = argparse.ArgumentParser(prog="python -m local_cloud", description=__doc__)
    command = parser.add_subparsers(dest="command", required=True).add_parser("serve")
    command.add_argument("--state", type=Path, required=True, help="directory that holds everything")
    command.add_argument("--api-port", type=int, required=True)
    command.add_argument("--edge-port", type=int, required=True)
    command.add_argument("--listen", default=LOOPBACK, help="address of API and edge [%(default)s]")
    command.add_argument("--workerd", type=Path, required=True, help="workerd's binary")
    command.add_argument("--act", type=Path, help="act's binary, which runs workflows; without it each run fails")
    command.add_argument("--runs-at-once", type=int, default=2, help="of workflows; the others wait (default: 2)")
    command.add_argument("--account", required=True, help="Cloudflare account id, 32 hexadecimal digits")
    command.add_argument("--workers-subdomain", required=True, help="the account's subdomain of workers.dev")
    command.add_argument("--zone", dest="zones", action="append", default=[], help="a DNS zone (repeatable)")
    command.add_argument("--organization", dest="organizations", action="append", default=[], help="of GitHub")
    command.add_argument("--resident-apps", type=int, default=500, help="so many apps stay loaded at most")
    command.add_argument("--profile", default="instant", help="instant, realistic or hostile [%(default)s]")
    command.add_argument("--seed", type=int, default=0, help="of what the profile leaves to chance [%(default)s]")
    given = vars(parser.parse_args(arguments))
    del given["command"]
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = Settings(**{**given, "zones": tuple(given["zones"]), "organizations": tuple(given["organizations"])})
        asyncio.run(serve(settings))
    except SettingsError as error:
        print(f"local cloud: {error}", file=sys.stderr)
        return 2
    except (StateError, StoreError, PortInUseError, LaunchError, UnrunnableError) as error:
        print(f"local cloud: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
