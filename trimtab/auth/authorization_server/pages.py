"""The sign-in form and the error page: plain HTML, no script, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Final
from urllib.parse import urlsplit

from starlette.responses import HTMLResponse

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:24rem;margin:4rem auto;padding:0 1rem;"
    "color-scheme:light dark;color:light-dark(#1a1a1a,#e0e0e0);background:light-dark(#fff,#242424)}"
    "label{display:block;margin-top:1rem}"
    "input{font:inherit;width:100%;box-sizing:border-box;padding:.5rem;border:1px solid light-dark(#595959,#9a9a9a);"
    "color:inherit;background:light-dark(#fff,#1b1b1b)}"
    "button{font:inherit;margin-top:1.5rem;padding:.5rem 1rem;color:#fff;background:#0b5394;border:0}"
    "[role=alert]{padding:.5rem;border-left:4px solid light-dark(#b00020,#ff8787)}"
)
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()


def sign_in_page(action: str, csrf: str, redirect_uri: str, problem: str = "", status: int = 200) -> HTMLResponse:
    """The form, posted to `action`. `problem` is shown above it; `redirect_uri` is where the browser goes next."""
    alert = f'<p role="alert">{escape(problem)}</p>' if problem else ""
    body = (
        f"<h1>Sign in to trimtab</h1>{alert}"
        f'<form method="post" action="{escape(action)}">'
        f'<input type="hidden" name="csrf" value="{escape(csrf)}">'
        '<label for="username">Username</label>'
        '<input id="username" name="username" autocomplete="username" required autofocus maxlength="255">'
        '<label for="password">Password</label>'
        '<input id="password" name="password" type="password" autocomplete="current-password" required>'
        '<button type="submit">Sign in</button></form>'
        "<p>This sign-in is for one machine only and not for production.</p>"
    )
    return _page("Sign in", body, status, form_action=f"'self' {_origin(redirect_uri)}")


def error_page(code: str, description: str, status: int = 400) -> HTMLResponse:
    """What went wrong when the browser cannot be sent back to the application."""
    body = (
        "<h1>This sign-in cannot go on</h1>"
        f'<p role="alert">{escape(description or code)}</p>'
        f"<p>Code: <code>{escape(code)}</code>. Go back to the application and start again.</p>"
    )
    return _page("Sign-in problem", body, status, form_action="'none'")


def _page(title: str, body: str, status: int, form_action: str) -> HTMLResponse:
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style></head><body><main>{body}</main></body></html>"
    )
    headers = {
        # Browsers apply form-action to the redirect after the form too, hence the application's origin in it.
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action {form_action}; "
            "frame-ancestors 'none'; base-uri 'none'"
        ),
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        # Not no-referrer: with it browsers send `Origin: null` for the form, which is refused.
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    return HTMLResponse(html, status, headers=headers)


def _origin(redirect_uri: str) -> str:
    """The address of the application for the policy header, or nothing when it has no plain web origin."""
    parts = urlsplit(redirect_uri)
    plain = parts.scheme in {"http", "https"} and not set(parts.netloc) & set(" ;,'\"")
    return f"{parts.scheme}://{parts.netloc}" if plain else ""
