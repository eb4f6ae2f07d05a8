"""A proxy of this machine that passes TLS on, as hospitals have one, and keeps what goes through it."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Passing(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        """CONNECT, then bytes both ways until either side ends."""
        kept: list[bytes] = self.server.kept  # type: ignore[attr-defined]
        asked = self.rfile.readline()
        kept.append(asked)
        while (line := self.rfile.readline()).strip():
            kept.append(line)
        host, _, port = asked.split()[1].decode().rpartition(":")
        with socket.create_connection((host, int(port))) as there:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=_pass, args=(there, self.connection, kept), daemon=True)
            back.start()
            _pass(self.connection, there, kept)
            back.join()


def _pass(here: socket.socket, there: socket.socket, kept: list[bytes]) -> None:
    try:
        while content := here.recv(65536):
            kept.append(content)
            there.sendall(content)
        there.shutdown(socket.SHUT_WR)
    except OSError:
        return


@contextmanager
def proxy() -> Iterator[tuple[str, list[bytes]]]:
    """The address of a proxy, and the bytes that went through it, in the order in which they came."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Passing) as server:
        server.daemon_threads = True
        kept = server.kept = []  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", kept
        server.shutdown()
