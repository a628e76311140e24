"""The edge: workerd runs the account's Workers, and serves a host if DNS records and routes say so."""

from local_cloud.edge.bundles import UnrunnableError
from local_cloud.edge.process import LaunchError
from local_cloud.edge.source import source_routes
from local_cloud.edge.supervisor import Edge

__all__ = ["Edge", "LaunchError", "UnrunnableError", "source_routes"]
