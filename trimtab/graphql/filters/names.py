"""Names of saved filters."""

import re
from typing import Final

from trimtab.graphql.answers import InvalidInput

_NAME: Final = re.compile(r"\w[\w .,&()%-]{0,79}")


def name_problem(name: str) -> InvalidInput | None:
    """What is wrong with the name; None when nothing is."""
    if _NAME.fullmatch(name):
        return None
    message = "A filter's name is 1 to 80 letters, digits and simple signs, and begins with a letter or digit."
    return InvalidInput(code="INVALID_NAME", message=message, field="name")
