"""Why no risk model can be estimated."""

from trimtab.domain.errors import TrimtabError


class TooLittleHistory(TrimtabError):
    """Too few securities, or too few days, to estimate or to test a model."""

    code = "TOO_LITTLE_HISTORY"


class UnreadableHistory(TrimtabError):
    """The price history is in none of the forms that are read, or holds what is no price."""

    code = "UNREADABLE_HISTORY"
