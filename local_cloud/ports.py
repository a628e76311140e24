"""Ports of this machine: taken, or held by somebody whom the error names."""

import os
import socket

import psutil


class PortInUseError(Exception):
    """The message names the port, who holds it, and the way out."""


def listen(port: int, option: str, address: str = "127.0.0.1") -> socket.socket:
    """A socket that listens on `address`:`port`; `option` is what chooses another one. Raises `PortInUseError`.

    `::` is every address, of IPv4 as well.
    """
    every = {"family": socket.AF_INET6, "dualstack_ipv6": True} if address == "::" else {}
    try:
        listener = socket.create_server((address, port), backlog=1024, **every)
    except OSError as error:
        raise PortInUseError(
            f"cannot listen on {address}:{port} ({os.strerror(error.errno or 0)}); it is held by {holder(port)}: "
            f"end that, or choose another port with {option}"
        ) from None
    # Connections inherit it: without it, an answer in two packets waits 40 ms for the first one's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def holder(port: int) -> str:
    """The process that listens on a port, as far as this user may know."""
    try:
        pids = [
            connection.pid
            for connection in psutil.net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid
        ]
        return f"process {pids[0]} ({psutil.Process(pids[0]).name()})" if pids else "a process of another user"
    except psutil.Error:
        return "a process that this user may not see"
