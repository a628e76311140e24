"""Measurements, each by one command: `overskill bench NAME`."""

from overskill.bench.command import bench

__all__ = ["bench"]
