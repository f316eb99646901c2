"""The authorization matrix as data: roles, operations, and what each role may do.

The same table stands in docs/authorization.md for people; a test compares the two cell by cell.
"""

from __future__ import annotations

from enum import Enum, Flag, auto
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


class Role(Enum):
    """What a person is in their firm; INTEGRATOR is the only role of a machine client.

    The value is the word used in tokens and in the database.
    """

    ADVISOR = "advisor"
    POLICY_COMMITTEE = "policy_committee"
    OVERLAY_MANAGER = "overlay_manager"
    COMPLIANCE = "compliance"
    MANAGEMENT = "management"
    DATA_MANAGER = "data_manager"
    ADMINISTRATOR = "administrator"
    INTEGRATOR = "integrator"

    @property
    def short(self) -> str:
        """The three letters that head the role's column in the matrix."""
        return _SHORT[self]


_SHORT: Final[Mapping[Role, str]] = MappingProxyType(
    dict(zip(Role, ("ADV", "IPC", "OVM", "CMP", "MGT", "DAT", "ADM", "INT"), strict=True))
)


class Operation(Enum):
    """One member per row of the matrix; the value is the row's number."""

    VIEW_OWN_DASHBOARD = 1
    READ_ACCOUNT = 2
    READ_CLIENT_IDENTITY = 3
    EDIT_CUSTOMISATION = 4
    EXCEED_CUSTOMISATION_LIMITS = 5
    CHANGE_SETTINGS_IN_BULK = 6
    EXEMPT_FROM_BULK_CHANGE = 7
    SET_ASSET_ALLOCATION = 8
    SET_APPROVED_PRODUCTS = 9
    SET_CUSTOMISATION_LIMITS = 10
    PUBLISH_MODELS = 11
    EDIT_PERSONAL_FILTER = 12
    SET_AUTOMATED_TRADING_FILTER = 13
    RUN_ANALYSIS = 14
    EDIT_PROPOSAL = 15
    APPROVE_TRADES = 16
    APPROVE_TRADES_ABOVE_LIMIT = 17
    APPROVE_NON_DISCRETIONARY = 18
    REJECT_PROPOSAL = 19
    CANCEL_ORDER = 20
    SUSPEND_ACCOUNT = 21
    LIFT_ADVISOR_SUSPENSION = 22
    LIFT_DATA_SUSPENSION = 23
    LIFT_COMPLIANCE_SUSPENSION = 24
    ENGAGE_KILL_SWITCH = 25
    REARM_KILL_SWITCH = 26
    CONDUCT_COMPLIANCE_REVIEW = 27
    READ_AUDIT_LOG = 28
    EXPORT_RECORDS = 29
    SET_RETENTION = 30
    READ_MANAGEMENT_REPORTS = 31
    READ_ACCOUNT_REPORTS = 32
    UPLOAD_FEED = 33
    RELEASE_QUARANTINE = 34
    OVERRIDE_PRICE = 35
    EDIT_SECURITY_MASTER = 36
    EDIT_RESTRICTION_LISTS = 37
    SET_FEE_SCHEDULE = 38
    SET_TRADING_LIMITS = 39
    GRANT_ROLES = 40
    MANAGE_CLIENTS_AND_KEYS = 41
    START_ACTING_ON_BEHALF = 42
    SUBSCRIBE_TO_EVENTS = 43
    APPROVE_BY_SIGNAL = 44
    RETRY_STEP = 45
    WAIVE_DELIVERY = 46
    ACKNOWLEDGE_ALERT = 47
    WORK_QUEUE = 48
    DELEGATE_APPROVALS = 49
    PREVIEW = 50
    UNDO_BULK_CHANGE = 51

    @property
    def row(self) -> int:
        """The row's number in the matrix."""
        return int(self.value)


class Cell(Flag):
    """What one role may do in one row; letters can be combined ("P,V" is PROPOSE | VERIFY).

    OWN narrows whatever else the cell says to the advisor's own book; alone it means "allowed, own book".
    """

    DENIED = 0
    ALLOWED = auto()
    OWN = auto()
    PROPOSE = auto()
    VERIFY = auto()
    READ = auto()


class Act(Enum):
    """What somebody is about to do in a row: carry it out, look, propose, or approve another's proposal."""

    DO = "do"
    READ = "read"
    PROPOSE = "propose"
    VERIFY = "verify"


class SuspensionReason(Enum):
    """The kinds of reason for which an account is suspended; each kind has its own row for lifting it."""

    ADVISOR = "advisor"
    DATA = "data"
    COMPLIANCE = "compliance"


LIFT_SUSPENSION: Final[Mapping[SuspensionReason, Operation]] = MappingProxyType(
    {
        SuspensionReason.ADVISOR: Operation.LIFT_ADVISOR_SUSPENSION,
        SuspensionReason.DATA: Operation.LIFT_DATA_SUSPENSION,
        SuspensionReason.COMPLIANCE: Operation.LIFT_COMPLIANCE_SUSPENSION,
    }
)

NEVER_ON_BEHALF: Final[frozenset[Operation]] = frozenset(
    Operation(row) for row in (3, 16, 17, 26, 29, 30, 35, 39, 40, 41, 42)
)
"""The starred rows: nobody may do these while acting on behalf of another person."""

ON_BEHALF_BY_CHOICE: Final[frozenset[Operation]] = frozenset(Operation(row) for row in (3, 16, 17))
"""The starred rows that a firm may open to acting on behalf, each time with a second approver."""

SCOPE_OF: Final[Mapping[Operation, str]] = MappingProxyType(
    {
        Operation.READ_ACCOUNT: "accounts:read",
        Operation.SET_ASSET_ALLOCATION: "models:read",
        Operation.SET_APPROVED_PRODUCTS: "models:read",
        Operation.SET_CUSTOMISATION_LIMITS: "models:read",
        Operation.PUBLISH_MODELS: "models:read",
        Operation.READ_MANAGEMENT_REPORTS: "reports:read",
        Operation.READ_ACCOUNT_REPORTS: "reports:read",
        Operation.UPLOAD_FEED: "feeds:write",
        Operation.SUBSCRIBE_TO_EVENTS: "events:read",
    }
)
"""The scope that an integrator's token must carry for a row, on top of the row's cell."""

_LETTERS: Final[Mapping[str, Cell]] = MappingProxyType(
    {
        "A": Cell.ALLOWED,
        "O": Cell.OWN,
        "P": Cell.PROPOSE,
        "V": Cell.VERIFY,
        "R": Cell.READ,
        "-": Cell.DENIED,
    }
)

# One line per row, one word per role, in the order of Role.
_TABLE: Final = """
 1  A  A   A  A   A  A   A   -
 2  O  R   R  R   R  R   -   R
 3  O  -   -  R   -  -   -   -
 4  O  -   -  -   -  -   -   -
 5  P  V   -  V   -  -   -   -
 6  P  P   P  P,V -  -   -   -
 7  O  -   A  A   -  -   -   -
 8  R  P,V R  R   R  R   -   R
 9  R  P,V R  V   R  R   -   R
10  R  P,V R  V   R  -   -   R
11  R  P,V R  V   R  P   -   R
12  A  A   A  A   A  A   -   -
13  R  P   P  V   R  -   -   -
14  O  -   A  -   -  -   -   -
15  -  -   A  -   -  -   -   -
16  -  -   V  -   -  -   -   -
17  -  -   V  V   -  -   -   -
18  O  -   -  -   -  -   -   -
19  O  -   A  A   -  -   -   -
20  -  -   A  A   -  -   -   -
21  O  -   A  A   A  A   -   -
22  O  -   -  A   -  -   -   -
23  -  -   -  -   -  A   -   -
24  -  -   -  A   -  -   -   -
25  -  -   A  A   A  -   A   -
26  -  -   P  V   P  -   -   -
27  -  -   -  A   -  -   -   -
28  O  R   R  R   R  R   -   -
29  -  -   -  A   -  -   -   -
30  -  -   -  P   V  -   -   -
31  -  R   R  R   R  -   -   R
32  O  R   R  R   R  -   -   R
33  -  -   -  -   -  A   -   A
34  -  -   -  -   -  P,V -   -
35  -  -   -  -   -  P,V -   -
36  R  R   R  R   -  P,V -   -
37  R  P   R  V   R  P   -   -
38  R  -   R  V   P  -   -   -
39  -  -   R  V   P  -   -   -
40  -  -   -  R   -  -   P,V -
41  -  -   -  R   -  -   P,V -
42  -  -   -  -   -  -   A   -
43  O  A   A  A   A  A   -   A
44  -  -   -  -   -  -   -   -
45  -  -   A  -   -  A   A   -
46  -  -   -  -   -  P,V -   -
47  A  A   A  A   A  A   A   -
48  A  A   A  A   A  A   -   -
49  A  A   A  A   -  A   -   -
50  O  -   A  A   -  A   -   -
51  P  P   P  P,V -  -   -   -
"""


def cell_of(letters: str) -> Cell:
    """The cell that a matrix page writes as `letters`, for example "P,V"."""
    cell = Cell.DENIED
    for letter in letters.split(","):
        cell |= _LETTERS[letter.strip()]
    return cell


def _read_table(text: str) -> dict[tuple[Operation, Role], Cell]:
    cells: dict[tuple[Operation, Role], Cell] = {}
    for line in text.strip().splitlines():
        row, *words = line.split()
        for role, letters in zip(Role, words, strict=True):
            cells[Operation(int(row)), role] = cell_of(letters)
    return cells


CELLS: Final[Mapping[tuple[Operation, Role], Cell]] = MappingProxyType(_read_table(_TABLE))
"""Every cell of the matrix; a firm starts from these (see `policy.PolicyTable`)."""
