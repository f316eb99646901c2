"""What can be wrong with a request to the demo firm."""

from trimtab.domain.errors import TrimtabError


class NotASession(TrimtabError):
    """Raised when a business date is not a session of the exchange."""

    code = "NOT_A_SESSION"


class TooFewAccounts(TrimtabError):
    """Raised when the roster has no room for every special case."""

    code = "TOO_FEW_ACCOUNTS"


class DataDirectoryUnusable(TrimtabError):
    """Raised when a directory of market data lacks a file, a column or a day that the firm is built from."""

    code = "DATA_DIRECTORY_UNUSABLE"


class NothingToBreak(TrimtabError):
    """Raised when a file has no row or column that a fault is to be put into."""

    code = "NOTHING_TO_BREAK"


class DayDidNotEnd(TrimtabError):
    """Raised when a run has not moved for a long time."""

    code = "DAY_DID_NOT_END"
