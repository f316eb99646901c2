"""Founding the demo firm: the firm itself, its people, its programs and its filters. Accounts come by the feeds."""

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, func, select
from sqlalchemy.dialects.postgresql import insert as upsert

from trimtab.auth.authorization_server.passwords import hash_client_secret, hash_password
from trimtab.auth.matrix import SCOPE_OF
from trimtab.db.tables import firm as firm_table
from trimtab.db.tables import oauth_client, person, setting_version
from trimtab.demo.firm import DemoFirm
from trimtab.demo.people import BROWSER_CLIENT, INTEGRATOR_CLIENT, STAFF, DemoPerson, advisors, demo_secrets
from trimtab.domain.firm_filters import DEFAULT_FIRM_FILTERS

REDIRECT_URI = "http://127.0.0.1/callback"
FIRM_FILTER = "firm_filter"


def seed_firm(connection: Connection, firm: DemoFirm, state_dir: Path) -> None:
    """Found the firm unless it stands: repeating it changes nothing."""
    _insert(
        connection,
        firm_table,
        [{"firm_id": firm.id, "name": f"The demo firm {firm.id}", "clock_mode": "stepped"}],
    )
    books = tuple({str(entry.account.advisor_id) for entry in firm.accounts})
    people = (*STAFF, *advisors(books))
    if connection.scalar(select(func.count()).select_from(person)) == 0:
        kept = demo_secrets(state_dir, (*(each.username for each in people), INTEGRATOR_CLIENT))
        _insert(connection, person, [_person(firm.id, each, kept[each.username]) for each in people])
        _insert(connection, oauth_client, _clients(firm.id, kept[INTEGRATOR_CLIENT]))
    _insert_filters(connection, firm)


def _person(firm_id: str, each: DemoPerson, password: str) -> dict[str, Any]:
    return {
        "firm_id": firm_id,
        "person_id": each.username if firm_id == "demo" else f"{firm_id}-{each.username}",
        "username": each.username,
        "display_name": each.display_name,
        "password_hash": hash_password(password),
        "roles": [role.value for role in each.roles],
        "advisor_id": each.advisor_id,
    }


def _clients(firm_id: str, secret: str) -> list[dict[str, Any]]:
    browser = {
        "firm_id": firm_id,
        "client_id": BROWSER_CLIENT,
        "name": "trimtab in the browser",
        "secret_hash": None,
        "redirect_uris": [REDIRECT_URI],
        "grant_types": ["authorization_code", "refresh_token"],
        "scopes": ["openid"],
    }
    integrator = {
        "firm_id": firm_id,
        "client_id": INTEGRATOR_CLIENT,
        "name": "An integrator's program",
        "secret_hash": hash_client_secret(secret),
        "redirect_uris": [],
        "grant_types": ["client_credentials"],
        "scopes": sorted(set(SCOPE_OF.values())),
    }
    return [browser, integrator]


def _insert_filters(connection: Connection, firm: DemoFirm) -> None:
    standing = set(connection.scalars(select(setting_version.c.key).where(setting_version.c.entity == FIRM_FILTER)))
    rows = [
        {
            "firm_id": firm.id,
            "entity": FIRM_FILTER,
            "key": key,
            "effective_from": firm.founded_on,
            "value": value,
            "actor": "trimtab",
            "reason": "the filters that a new firm starts with",
        }
        for key, value in DEFAULT_FIRM_FILTERS.items()
        if key not in standing
    ]
    _insert(connection, setting_version, rows)


def _insert(connection: Connection, table: Table, rows: list[dict[str, Any]]) -> None:
    if rows:
        connection.execute(upsert(table).values(rows).on_conflict_do_nothing())
