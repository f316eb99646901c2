"""What can go wrong with the servers that trimtab runs itself."""

from trimtab.domain.errors import TrimtabError


class AlreadyRunning(TrimtabError):
    """Another process owns the state directory."""

    code = "EMBEDDED_ALREADY_RUNNING"


class BinariesMissing(TrimtabError):
    """A server's program is not installed."""

    code = "EMBEDDED_BINARIES_MISSING"


class StateDirUnusable(TrimtabError):
    """The state directory cannot be created, reached or written."""

    code = "EMBEDDED_STATE_DIR_UNUSABLE"


class DataDirVersionMismatch(TrimtabError):
    """The database's files are of another major version of PostgreSQL."""

    code = "EMBEDDED_DATA_VERSION"


class InitdbFailed(TrimtabError):
    """The database's files could not be created."""

    code = "EMBEDDED_INITDB_FAILED"


class ChildFailed(TrimtabError):
    """A supervised process did not come up."""

    code = "EMBEDDED_CHILD_FAILED"
