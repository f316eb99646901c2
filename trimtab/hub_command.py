"""What `trimtab hub` does: plain values of contracts, models, accruals, bills and notes."""

from datetime import date

from sqlalchemy import Connection

from trimtab.activities.fee_accruals import accrue_fees
from trimtab.db.account_signals import business_date
from trimtab.db.hub_accruals import accrued
from trimtab.db.hub_billing import statement_of, statements
from trimtab.db.hub_export import statement_csv
from trimtab.db.hub_models import uploads
from trimtab.db.hub_notes import notes
from trimtab.db.programme import changes, held_contracts
from trimtab.db.settings_versions import newest_seq
from trimtab.domain.errors import TrimtabError
from trimtab.operator import NoRun, in_firm, require_session
from trimtab.settings import Settings


class NoStatement(TrimtabError):
    """There is no statement of this id."""

    code = "NO_STATEMENT"


def contract_rows(settings: Settings, firm_id: str, day: date | None) -> list[dict[str, object]]:
    """One value for each contract. Raises NoRun."""
    with in_firm(settings, firm_id) as connection:
        on = _day(connection, day)
        return [
            {
                "provider": each.id,
                "name": each.name,
                "start": each.start,
                "end": each.end,
                "in_force": each.is_in_force(on),
                "models": sorted(each.models),
                "minimum": f"{each.minimum:.2f}",
                "signed_by": [each.signed_by_firm, each.signed_by_provider],
                "signed_on": each.signed_on,
            }
            for each in held_contracts(connection, on, newest_seq(connection)).values()
        ]


def model_rows(settings: Settings, firm_id: str, provider: str | None) -> list[dict[str, object]]:
    """One value for each of the last hundred models that came; never their weights, which may be under embargo."""
    with in_firm(settings, firm_id) as connection:
        decided = changes(connection, date.max, newest_seq(connection))
        return [
            {
                "provider": row.provider_id,
                "model": row.model_id,
                "version": row.version,
                "status": decided[row.change_id].status.value if row.change_id in decided else row.status,
                "codes": list(row.reason_codes),
                "message": row.message,
                "rotation": list(row.rotation),
                "sent_by": row.sender,
                "received_at": row.recorded_at,
            }
            for row in uploads(connection, provider)
        ]


def accrue(settings: Settings, firm_id: str, day: date | None) -> list[dict[str, object]]:
    """What was new. Raises NoRun, and NotASession for a day without one."""
    with in_firm(settings, firm_id) as connection:
        on = _day(connection, day)
        require_session(on)
        return [
            {"day": each.day, "model": each.model_id, "assets": f"{each.assets:.2f}", "fee": str(each.fee)}
            for each in accrue_fees(connection, firm_id, on)
        ]


def accrual_rows(
    settings: Settings, firm_id: str, first: date | None, last: date | None, provider: str | None
) -> list[dict[str, object]]:
    """One value for each calendar day and model. Raises NoRun."""
    with in_firm(settings, firm_id) as connection:
        until = _day(connection, last)
        return [
            {
                "day": row.day,
                "provider": row.provider_id,
                "model": row.model_id,
                "accounts": row.accounts,
                "assets": str(row.assets),
                "rate_bps": str(row.rate_bps),
                "fee": str(row.fee),
            }
            for row in accrued(connection, first or until.replace(day=1), until, provider)
        ]


def statement_rows(settings: Settings, firm_id: str, provider: str | None) -> list[dict[str, object]]:
    """One value for each statement."""
    with in_firm(settings, firm_id) as connection:
        return [
            {
                "statement": each.id,
                "status": each.status.value,
                "total": f"{each.total:.2f}",
                "lines": each.lines,
                "proposed_by": list(each.proposed_by),
                "decided_by": each.decided_by,
            }
            for each in statements(connection, provider)
        ]


def statement_text(settings: Settings, firm_id: str, statement_id: str) -> str:
    """The statement as CSV. Raises NoStatement."""
    with in_firm(settings, firm_id) as connection:
        found = statement_of(connection, statement_id)
        if found is None:
            raise NoStatement(f"there is no statement {statement_id}: `trimtab hub statements` lists them")
        return statement_csv(connection, found[0])


def note_rows(settings: Settings, firm_id: str, provider: str, model: str | None) -> list[dict[str, object]]:
    """One value for each note."""
    with in_firm(settings, firm_id) as connection:
        return [
            {
                "written_at": row.recorded_at,
                "author": row.author,
                "model": row.model_id,
                "version": row.version,
                "title": row.title,
                "body": row.body,
            }
            for row in notes(connection, provider, model)
        ]


def _day(connection: Connection, day: date | None) -> date:
    on = day or business_date(connection)
    if on is None:
        raise NoRun("the firm has no run yet")
    return on
