"""What can go wrong on an order session, one class per thing that a caller can act on."""

from trimtab.domain.errors import TrimtabError


class ProtocolError(TrimtabError):
    """The other side sent (or the caller built) something that the protocol does not allow."""

    code = "BROKER_PROTOCOL"


class MalformedMessage(ProtocolError):
    """A line that is not a well-formed message: bad JSON, a missing or unknown field, a bad value."""

    code = "BROKER_MALFORMED_MESSAGE"


class UnknownMessage(ProtocolError):
    """A well-formed line whose `type` is none of the protocol's."""

    code = "BROKER_UNKNOWN_MESSAGE"


class LineTooLong(ProtocolError):
    """A line over MAX_LINE_BYTES; the stream cannot be trusted after it."""

    code = "BROKER_LINE_TOO_LONG"


class BrokerUnavailable(TrimtabError):
    """No connection, or the connection was lost: connect again, then ask for the status of what is open."""

    code = "BROKER_UNAVAILABLE"
    transient = True


class ReplyTimeout(BrokerUnavailable):
    """The request was written and no answer came in time: the broker may or may not have acted on it."""

    code = "BROKER_REPLY_TIMEOUT"


class LogonDenied(TrimtabError):
    """The broker refused the logon: the generation is not above the highest that it has seen."""

    code = "BROKER_LOGON_REFUSED"

    def __init__(self, message: str, highest_generation: int) -> None:
        super().__init__(message)
        self.highest_generation = highest_generation


class SessionSuperseded(TrimtabError):
    """A newer generation of the same firm has logged on: this owner must stop sending."""

    code = "BROKER_SESSION_SUPERSEDED"


class SessionEventDenied(TrimtabError):
    """The broker could not carry out the market event (no closing prices yet): send it again later."""

    code = "BROKER_SESSION_EVENT_REFUSED"
    transient = True


class JournalCorrupt(TrimtabError):
    """The broker's journal is damaged before its last line: restore it, or start with a new one."""

    code = "BROKER_JOURNAL_CORRUPT"


class JournalInUse(TrimtabError):
    """Another paper broker holds this journal: stop it first, or use another journal."""

    code = "BROKER_JOURNAL_IN_USE"


class JournalWriteFailed(TrimtabError):
    """The journal could not be written: the broker stops, since an order without its line must not exist."""

    code = "BROKER_JOURNAL_WRITE_FAILED"


class PaperBrokerMisconfigured(TrimtabError):
    """The paper broker cannot start with these options."""

    code = "BROKER_MISCONFIGURED"
