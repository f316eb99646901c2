"""Names of saved filters, and which of them a lane policy still needs."""

import re
from datetime import date
from typing import Final

from sqlalchemy import Connection

from trimtab.db.lane_policies import policies_naming
from trimtab.domain.firm_filters import DEFAULT_FIRM_FILTERS
from trimtab.graphql.answers import InvalidInput

_NAME: Final = re.compile(r"\w[\w .,&()%-]{0,79}")


def name_problem(name: str) -> InvalidInput | None:
    """What is wrong with the name; None when nothing is."""
    if _NAME.fullmatch(name):
        return None
    message = "A filter's name is 1 to 80 letters, digits and simple signs, and begins with a letter or digit."
    return InvalidInput(code="INVALID_NAME", message=message, field="name")


def withdrawal_problem(connection: Connection, name: str, on: date) -> str | None:
    """Why the firm filter cannot be withdrawn from the day on; None when it can."""
    named = None if name in DEFAULT_FIRM_FILTERS else policies_naming(connection, name, on)
    if named is None:
        return None
    return f"The lane policy of {named.isoformat()} names {name}: change the policy first."
