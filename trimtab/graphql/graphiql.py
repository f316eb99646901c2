"""GraphiQL from this machine's own files: no byte of the page comes from elsewhere.

The scripts are those that the page's integrity attributes name, so the browser refuses changed ones.
"""

from functools import cache
from pathlib import Path
from typing import Final

from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles
from strawberry.http.ides import get_graphql_ide_html

ASSETS: Final = Path(__file__).parent / "static" / "graphiql"
ASSETS_PATH: Final = "/static/graphiql"
_ELSEWHERE: Final = "https://unpkg.com/"
_CSP: Final = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:;"
    " font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)


@cache
def page_html() -> str:
    """Strawberry's page with our addresses in it."""
    page = get_graphql_ide_html(graphql_ide="graphiql").replace(_ELSEWHERE, f"{ASSETS_PATH}/")
    # A token typed into the header editor must not outlive the page.
    return page.replace("shouldPersistHeaders: true", "shouldPersistHeaders: false").replace(
        "<title>Strawberry GraphiQL</title>", "<title>trimtab GraphiQL</title>"
    )


def page() -> HTMLResponse:
    return HTMLResponse(page_html(), headers={"Content-Security-Policy": _CSP, "Referrer-Policy": "no-referrer"})


def assets() -> StaticFiles:
    """To be mounted at ASSETS_PATH."""
    return StaticFiles(directory=ASSETS)
