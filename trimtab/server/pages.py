"""The pages: the built assets of web/, from this host alone, under a policy that allows no script from elsewhere.

Every path that is nobody else's answers the one page, whose script reads the path: a link to an account opens there.
The page carries a nonce for the style elements that its components add; it is never stored. Assets have their content's
hash in their names and are kept for a year.
"""

import secrets
from collections.abc import MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, FastAPI, HTTPException, Request
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

BUILT: Final = Path(__file__).resolve().parent.parent / "_web"
CLIENT_ID: Final = "trimtab-pages"
SIGNED_IN: Final = "/signed-in"
CONFIG: Final = "/pages.json"
_NONCE: Final = "__CSP_NONCE__"
_NOT_PAGES: Final = ("assets", "graphql", "oauth", "static", ".well-known")
_MISSING: Final = (
    "<!doctype html><html lang=en><meta charset=utf-8><title>trimtab</title><h1>The pages are not built</h1>"
    "<p>This installation has the API alone: the pages were left out of it, or npm could not be reached when it was "
    "installed. Install again with npm reachable and without TRIMTAB_SKIP_WEB; in a checkout run "
    "<code>python web/build.py</code>."
)


@dataclass(frozen=True, slots=True)
class PagesSettings:
    """What the pages' script has to know before it can sign anybody in.

    public_url: where browsers reach the API and the pages; tokens come back to SIGNED_IN there.
    issuer: whose tokens the API accepts. client_id: the pages' own at the issuer, public, with PKCE.
    temporal_ui: where a blocked step's workflow can be looked at, if anywhere.
    """

    public_url: str
    issuer: str
    client_id: str = CLIENT_ID
    scope: str = "openid"
    temporal_ui: str | None = None
    temporal_namespace: str = "default"
    built: Path = BUILT


def mount_pages(app: FastAPI, settings: PagesSettings) -> None:
    """Serve the pages; to be called after every other route is in place."""
    app.include_router(_config(settings))
    index = settings.built / "index.html"
    assets = KeptAssets(directory=settings.built / "assets", check_dir=False)
    app.mount("/assets", GZipMiddleware(assets, minimum_size=1_000), "pages-assets")

    async def page(request: Request) -> Response:
        if request.url.path.split("/")[1] in _NOT_PAGES:
            raise HTTPException(404)
        # Read each time, one small file: whoever works on the pages builds them anew beneath a running API.
        return _page(index.read_text(encoding="utf-8"), settings) if index.is_file() else _missing()

    app.add_api_route("/{path:path}", page, methods=["GET"], include_in_schema=False, response_model=None)


def _config(settings: PagesSettings) -> APIRouter:
    router = APIRouter(include_in_schema=False)
    given = {
        "publicUrl": settings.public_url,
        "issuer": settings.issuer,
        "clientId": settings.client_id,
        "scope": settings.scope,
        "temporalUi": settings.temporal_ui,
        "temporalNamespace": settings.temporal_namespace,
    }

    async def config() -> Response:
        return JSONResponse(given, headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"})

    router.add_api_route(CONFIG, config, methods=["GET"], response_model=None)
    return router


def _page(template: str, settings: PagesSettings) -> HTMLResponse:
    nonce = secrets.token_urlsafe(16)
    return HTMLResponse(template.replace(_NONCE, nonce), headers=_headers(policy(nonce, settings)))


def _missing() -> HTMLResponse:
    return HTMLResponse(_MISSING, 503, headers=_headers("default-src 'none'; base-uri 'none'; frame-ancestors 'none'"))


def policy(nonce: str, settings: PagesSettings) -> str:
    """The Content-Security-Policy of the page: scripts and requests of this host only, the issuer's tokens aside.

    Style elements, which the pages' components add, need the nonce; style attributes are refused.
    """
    host = urlsplit(settings.public_url)
    socket = f"{'wss' if host.scheme == 'https' else 'ws'}://{host.netloc}"
    issuer = urlsplit(settings.issuer)
    return (
        "default-src 'none'; script-src 'self'; "
        f"style-src 'self' 'nonce-{nonce}'; "
        f"img-src 'self' data:; font-src 'self'; connect-src 'self' {socket} {issuer.scheme}://{issuer.netloc}; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
    )


def _headers(content_policy: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": content_policy,
        "Cache-Control": "no-store",
        "Referrer-Policy": "same-origin",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
    }


class KeptAssets(StaticFiles):
    """Files whose names carry their content's hash: whoever has one need not ask again."""

    async def get_response(self, path: str, scope: MutableMapping[str, Any]) -> Response:
        answer = await super().get_response(path, scope)
        if answer.status_code in (200, 304):
            answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return answer
