"""A small identity provider for tests: a real HTTP server with a discovery document and keys, and its tokens."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, Key

API = "https://api.example/"


@dataclass
class LoopbackIssuer:
    """`documents` maps a path to what is served there: an object as JSON, bytes as they are, a text as a redirect."""

    url: str
    key: ECKey
    documents: dict[str, Any] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)

    def publish(self, *keys: Key) -> None:
        self.documents["/jwks"] = {"keys": [key.as_dict(private=False) for key in keys]}

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Claims of a good access token of ann; a change to None drops the claim."""
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": "ann",
            "aud": API,
            "exp": now + 300,
            "nbf": now,
            "iat": now,
            "client_id": "dashboard",
            "jti": "token-1",
            "scope": "openid",
            "firm": "firm-a",
            "roles": ["overlay_manager", "advisor"],
            **changes,
        }
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, header: dict[str, Any] | None = None, key: Key | None = None, **changes: Any) -> str:
        head = {"alg": "ES256", "typ": "at+jwt", "kid": self.key.kid, **(header or {})}
        return jwt.encode(
            {name: value for name, value in head.items() if value is not None},
            self.claims(**changes),
            key or self.key,
            algorithms=[head["alg"]],
            default_type=None,
        )


def an_ec_key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", parameters={"kid": kid, "use": "sig", "alg": "ES256"})


@contextmanager
def a_loopback_issuer() -> Iterator[LoopbackIssuer]:
    issuer = LoopbackIssuer(url="", key=an_ec_key("key-1"))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked[self.path] += 1
            document = issuer.documents.get(self.path)
            body = document if isinstance(document, bytes) else json.dumps(document).encode()
            if isinstance(document, str):
                self.send_response(302)
                self.send_header("Location", document)
            else:
                self.send_response(200 if document is not None else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Keeps the test's output quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer.url = f"http://127.0.0.1:{server.server_port}"
    issuer.documents["/.well-known/openid-configuration"] = {
        "issuer": issuer.url,
        "jwks_uri": f"{issuer.url}/jwks",
    }
    issuer.publish(issuer.key)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield issuer
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
