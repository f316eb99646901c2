"""Why a file, or one row of it, cannot be used."""

from trimtab.domain.errors import TrimtabError


class FeedRefused(TrimtabError):
    """The whole file is refused: none of its rows are loaded. `code` is one of the catalogue of bad input."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class StillArriving(TrimtabError):
    """The file changed while it was read: it is read again on the next pass."""

    code = "FEED_INCOMPLETE"
    transient = True


class UnreadableValue(ValueError):
    """One value does not follow its column's form. `code` is the reason under which its row is quarantined."""

    def __init__(self, message: str, code: str = "") -> None:
        super().__init__(message)
        self.code = code
