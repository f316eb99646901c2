"""Which of a firm's own fields its filters still need."""

from datetime import date

from sqlalchemy import Connection

from trimtab.db.ancillary import catalogue
from trimtab.db.filter_versions import firm_filters_on
from trimtab.domain.ancillary import AncillaryField
from trimtab.domain.filters import parse_filter, rules_of


def retirement_problem(connection: Connection, field: AncillaryField, on: date) -> str | None:
    """Why the field cannot retire: a filter would no longer see what it asks for. None when it can, or does not."""
    if not field.retired:
        return None
    fields = catalogue(connection)
    for name, saved in firm_filters_on(connection, on).items():
        if any(rule.field.name == field.fact_name for rule in rules_of(parse_filter(saved.value, fields))):
            return f"The firm's filter {name} names it: change the filter first."
    return None
