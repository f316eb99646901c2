"""Account settings as they are stored, read back as values."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from trimtab.domain.account_settings import AccountSettings

_SETTINGS: Final[TypeAdapter[AccountSettings]] = TypeAdapter(AccountSettings)


def read_settings(document: Mapping[str, Any]) -> AccountSettings:
    """The settings of a stored version."""
    return _SETTINGS.validate_python(document, strict=False)
