"""What `trimtab ancillary ...` does: each function reads one transaction of the firm."""

from collections.abc import Mapping
from datetime import date

from trimtab.db.account_signals import business_date
from trimtab.db.ancillary import fields_on, value_history, values_on
from trimtab.domain.ancillary import AncillaryField, Stored, shown_value, value_differences
from trimtab.operator import in_firm
from trimtab.settings import Settings


def fields_of(settings: Settings, firm_id: str, on: date | None) -> list[AncillaryField]:
    """The firm's own fields as they hold on the day."""
    with in_firm(settings, firm_id) as connection:
        return list(fields_on(connection, on or business_date(connection)).values())


def value_lines(settings: Settings, firm_id: str, account_id: str, on: date | None) -> list[str]:
    """Each field's label and what the account has in it."""
    with in_firm(settings, firm_id) as connection:
        day = on or business_date(connection) or date.max
        values = values_on(connection, account_id, day)
        return [
            f"{field.label}: {shown_value(field, values.get(name))}"
            for name, field in fields_on(connection, day).items()
        ]


def history_lines(settings: Settings, firm_id: str, account_id: str) -> list[str]:
    """A line each version, oldest first, and under it what it changed."""
    with in_firm(settings, firm_id) as connection:
        fields, versions = fields_on(connection), value_history(connection, account_id)
    lines: list[str] = []
    before: Mapping[str, Stored] = {}
    for version in versions:
        lines.append(f"from {version.effective_from}, by {version.actor}: {version.reason}")
        lines += [f"  {each}" for each in value_differences(fields, before, version.values)]
        before = version.values
    return lines
