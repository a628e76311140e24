"""A WebSocket from outside, as small as the tests need it."""

import base64
import os
import re
import socket


class Echo:
    """A WebSocket (RFC 6455) that sends short messages, masked with zeros, and reads what comes back."""

    def __init__(self, port: int, host: str, path: str) -> None:
        self._connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._answers = self._connection.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}"
        self._connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{upgrade}\r\n\r\n".encode())
        assert re.match(rb"HTTP/1.1 101 ", self._answers.readline())
        while self._answers.readline() != b"\r\n":
            pass

    def __enter__(self) -> "Echo":
        return self

    def __exit__(self, *_: object) -> None:
        self._answers.close()
        self._connection.close()

    def send(self, message: bytes) -> bytes:
        self._connection.sendall(bytes([0x81, 0x80 | len(message)]) + bytes(4) + message)
        _, length = self._answers.read(2)
        return self._answers.read(length)
