"""Signs of life of the processes that a supervisor starts."""

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from trimtab.embedded.readiness import file_exists, http_answers, socket_listens


class _Health(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # keeps the test's output clean
        return


def test_an_http_server_is_up_when_the_url_gives_2xx() -> None:
    with HTTPServer(("127.0.0.1", 0), _Health) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        assert http_answers(f"{url}/healthz")()
        assert not http_answers(f"{url}/readyz")()
        server.shutdown()
        thread.join()
    assert not http_answers(f"{url}/healthz")()


def test_a_socket_is_up_while_somebody_listens(tmp_path: Path) -> None:
    path = tmp_path / "broker.sock"
    assert not socket_listens(path)()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        server.listen()
        assert socket_listens(path)()
    assert not socket_listens(path)()


def test_a_file_is_a_sign_of_life(tmp_path: Path) -> None:
    assert not file_exists(tmp_path / "ready")()
    (tmp_path / "ready").touch()
    assert file_exists(tmp_path / "ready")()
