"""`overskill down`: everything that `up` starts, stopped."""

from overskill.control_plane_process import stop_all
from overskill.project import Project
from overskill.session import Session


def down() -> None:
    """Stop the local cloud and the control planes; what is in them stays for the next `up`."""
    print("The local cloud is stopped." if stop(Session(Project())) else "The local cloud was not running.")


def stop(session: Session) -> bool:
    """Stop what `up` starts; return whether the local cloud ran."""
    stop_all(session.project)
    return session.cloud.stop()
