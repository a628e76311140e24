"""A connection between two parts that can be cut: a port of this machine that leads to another one."""

import socket
import threading
from contextlib import suppress

CHUNK = 65536


class Line:
    """From `port` to `target`. While it is cut, what is open is reset, and what comes is not taken."""

    def __init__(self, target: int) -> None:
        self._target, self._cut = target, False
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._take, daemon=True).start()

    def cut(self) -> None:
        self._cut = True
        for end in list(self._open):
            self._close(end)

    def mend(self) -> None:
        self._cut = False

    def close(self) -> None:
        self.cut()
        self._close(self._listener)

    def _take(self) -> None:
        with suppress(OSError):  # the listener is closed
            while True:
                near, _ = self._listener.accept()
                if self._cut:
                    near.close()
                    continue
                try:
                    far = socket.create_connection(("127.0.0.1", self._target))
                except OSError:
                    near.close()
                    continue
                self._open |= {near, far}
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=ends, daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while content := source.recv(CHUNK):
                target.sendall(content)
        for end in (source, target):
            self._close(end)

    def _close(self, end: socket.socket) -> None:
        self._open.discard(end)
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
