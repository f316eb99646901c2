"""The catalogue of bad input: one code per fault, its case number, what clears it and who may lift it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from trimtab.domain.suspensions import LiftingRole, Suspension, SuspensionKind


class DataCode(StrEnum):
    """What is wrong with an input. The words are stable: they stand in records, alerts and pages."""

    # prices
    PRICE_ZERO = "PRICE_ZERO"
    PRICE_NEG = "PRICE_NEG"
    PRICE_MISSING = "PRICE_MISSING"
    PRICE_STALE = "PRICE_STALE"
    PRICE_SPIKE = "PRICE_SPIKE"
    SPLIT_SUSPECTED = "SPLIT_SUSPECTED"
    PRICE_UNIT = "PRICE_UNIT"
    PRICE_CCY = "PRICE_CCY"
    PRICE_PARSE = "PRICE_PARSE"
    PRICE_CONFLICT = "PRICE_CONFLICT"
    PRICE_DATE = "PRICE_DATE"
    PRICE_FILE_STALE = "PRICE_FILE_STALE"
    PRICE_FILE_SUSPECT = "PRICE_FILE_SUSPECT"
    NAV_OLD = "NAV_OLD"
    # securities
    UNKNOWN_SECURITY = "UNKNOWN_SECURITY"
    MODEL_UNKNOWN_SECURITY = "MODEL_UNKNOWN_SECURITY"
    ID_INVALID = "ID_INVALID"
    ID_CONFLICT = "ID_CONFLICT"
    ID_CHANGED = "ID_CHANGED"
    TICKER_REUSED = "TICKER_REUSED"
    NOT_TRADABLE = "NOT_TRADABLE"
    UNCLASSIFIED = "UNCLASSIFIED"
    RISK_COVERAGE = "RISK_COVERAGE"
    # corporate actions
    CA_UNSYNCED = "CA_UNSYNCED"
    CA_CONFLICT = "CA_CONFLICT"
    CA_RESTATED = "CA_RESTATED"
    CA_BASIS = "CA_BASIS"
    CA_ELECTION = "CA_ELECTION"
    CA_INCOMPLETE = "CA_INCOMPLETE"
    # files
    FEED_MISSING = "FEED_MISSING"
    FEED_CHANGED = "FEED_CHANGED"
    FEED_TRUNCATED = "FEED_TRUNCATED"
    FEED_TOTAL = "FEED_TOTAL"
    FEED_EMPTY = "FEED_EMPTY"
    FEED_STALE_DATE = "FEED_STALE_DATE"
    FEED_ORDER = "FEED_ORDER"
    FEED_GAP = "FEED_GAP"
    FEED_SCHEMA = "FEED_SCHEMA"
    FEED_ENCODING = "FEED_ENCODING"
    FEED_SHRUNK = "FEED_SHRUNK"
    FEED_GREW = "FEED_GREW"
    FOREIGN_FIRM_DATA = "FOREIGN_FIRM_DATA"
    FEED_SIZE = "FEED_SIZE"
    FEED_INCOMPLETE = "FEED_INCOMPLETE"
    FEED_TRAILING = "FEED_TRAILING"
    ROW_UNREADABLE = "ROW_UNREADABLE"  # a quarantined row that the account or security needs
    # holdings, lots, cash
    DUP_ACCOUNT = "DUP_ACCOUNT"
    ACCOUNT_MISSING = "ACCOUNT_MISSING"
    SHORT_POSITION = "SHORT_POSITION"
    LOT_MISMATCH = "LOT_MISMATCH"
    LOTS_MISSING = "LOTS_MISSING"
    BASIS_UNKNOWN = "BASIS_UNKNOWN"
    LOT_DATE = "LOT_DATE"
    QTY_RANGE = "QTY_RANGE"
    VALUE_MISMATCH = "VALUE_MISMATCH"
    LOT_DUP = "LOT_DUP"
    VALUE_JUMP = "VALUE_JUMP"
    RESTRICTED_SHARES = "RESTRICTED_SHARES"
    FRACTION_LEFT = "FRACTION_LEFT"
    CASH_NEGATIVE = "CASH_NEGATIVE"
    CASH_DUP = "CASH_DUP"
    FX_MISSING = "FX_MISSING"
    WITHDRAWAL_SHORT = "WITHDRAWAL_SHORT"
    DEPOSIT_MISSING = "DEPOSIT_MISSING"
    PENDING_MISMATCH = "PENDING_MISMATCH"
    FOREIGN_TRADE = "FOREIGN_TRADE"
    FILL_MISSING = "FILL_MISSING"
    # settings and models
    SETTINGS_INVALID = "SETTINGS_INVALID"
    NO_MODEL = "NO_MODEL"
    ACCOUNT_CLOSED = "ACCOUNT_CLOSED"
    NON_DISCRETIONARY = "NON_DISCRETIONARY"
    MODEL_INVALID = "MODEL_INVALID"
    MODEL_COVERAGE = "MODEL_COVERAGE"
    UNDECLARED_CASH = "UNDECLARED_CASH"


@dataclass(frozen=True, slots=True)
class DataRule:
    """A code's entry: its case numbers in the catalogue, what clears it, and who may lift it once it is clear."""

    cases: tuple[int, ...]
    cleared_by: str
    lifted_by: LiftingRole = LiftingRole.DATA_MANAGER


_NEW_PRICE = "a price file with a positive close of the previous session for the security"
_NEW_FILE = "a complete file of that kind for the business date"
_NEW_HOLDINGS = "holdings of the custodian without the fault"
_NEW_MODEL = "a new version of the model without the fault"

CATALOGUE: Final[Mapping[DataCode, DataRule]] = {
    DataCode.PRICE_ZERO: DataRule((1,), _NEW_PRICE),
    DataCode.PRICE_NEG: DataRule((2,), _NEW_PRICE),
    DataCode.PRICE_MISSING: DataRule((3,), _NEW_PRICE),
    DataCode.PRICE_STALE: DataRule((4, 5), _NEW_PRICE),
    DataCode.PRICE_SPIKE: DataRule((6,), "a second source that confirms the move, or a corrected price"),
    DataCode.SPLIT_SUSPECTED: DataRule((7,), "the corporate action that explains it, or a corrected price"),
    DataCode.PRICE_UNIT: DataRule((8, 13), "a price in the unit of the security master"),
    DataCode.PRICE_CCY: DataRule((9, 24), "a price in the security's own currency"),
    DataCode.PRICE_PARSE: DataRule((10,), _NEW_PRICE),
    DataCode.PRICE_CONFLICT: DataRule((11,), "one price for the security and day, or a precedence of sources"),
    DataCode.PRICE_DATE: DataRule((12,), "a price file dated on the previous session"),
    DataCode.PRICE_FILE_STALE: DataRule((14,), _NEW_FILE),
    DataCode.PRICE_FILE_SUSPECT: DataRule((15,), _NEW_FILE),
    DataCode.NAV_OLD: DataRule((16,), "a net asset value of the last session but one, or newer", LiftingRole.ADVISOR),
    DataCode.UNKNOWN_SECURITY: DataRule((17, 26), "the security master knows the identifier"),
    DataCode.MODEL_UNKNOWN_SECURITY: DataRule((18,), "the security master knows every name of the model"),
    DataCode.ID_INVALID: DataRule((19, 20), "an identifier that passes its check digit"),
    DataCode.ID_CONFLICT: DataRule((23,), "identifiers that name one security"),
    DataCode.ID_CHANGED: DataRule((21,), "the corporate action that changed it, or a data manager confirms the change"),
    DataCode.TICKER_REUSED: DataRule((22,), "the action that moved the ticker, or a data manager confirms whose it is"),
    DataCode.NOT_TRADABLE: DataRule((25,), "the security master marks the security tradable again"),
    DataCode.UNCLASSIFIED: DataRule((27,), "the security master gives the security an asset class"),
    DataCode.RISK_COVERAGE: DataRule((28,), "risk exposures for at least 95 % of the account's value"),
    DataCode.CA_UNSYNCED: DataRule((29, 30, 31, 37), "holdings, prices and models that apply the action alike"),
    DataCode.CA_CONFLICT: DataRule((36,), "one ratio for the corporate action"),
    DataCode.CA_RESTATED: DataRule((40,), "lots recomputed for the action's new version"),
    DataCode.CA_BASIS: DataRule((33,), "the basis allocation of the distribution, with its source"),
    DataCode.CA_ELECTION: DataRule((34,), "the account's choice, and what it is paid after proration"),
    DataCode.CA_INCOMPLETE: DataRule((32,), "the missing terms of the event, confirmed"),
    DataCode.FEED_MISSING: DataRule((), _NEW_FILE),
    DataCode.FEED_CHANGED: DataRule((42,), "a person picks one of the two files"),
    DataCode.FEED_TRUNCATED: DataRule((43,), _NEW_FILE),
    DataCode.FEED_TOTAL: DataRule((44,), _NEW_FILE),
    DataCode.FEED_EMPTY: DataRule((45, 46), _NEW_FILE),
    DataCode.FEED_STALE_DATE: DataRule((47,), _NEW_FILE),
    DataCode.FEED_ORDER: DataRule((48,), "the earlier day's file"),
    DataCode.FEED_GAP: DataRule((49,), "the missing day's file, or a waiver by a person"),
    DataCode.FEED_SCHEMA: DataRule((51,), _NEW_FILE),
    DataCode.FEED_ENCODING: DataRule((52,), _NEW_FILE),
    DataCode.FEED_SHRUNK: DataRule((53,), _NEW_FILE),
    DataCode.FEED_GREW: DataRule((54,), _NEW_FILE),
    DataCode.FOREIGN_FIRM_DATA: DataRule((55,), _NEW_FILE),
    DataCode.FEED_SIZE: DataRule((58,), _NEW_FILE),
    DataCode.FEED_INCOMPLETE: DataRule((62,), _NEW_FILE),
    DataCode.FEED_TRAILING: DataRule((63,), _NEW_FILE),
    DataCode.ROW_UNREADABLE: DataRule((), "the row corrected and released, or a new file"),
    DataCode.DUP_ACCOUNT: DataRule((56,), _NEW_HOLDINGS),
    DataCode.ACCOUNT_MISSING: DataRule((57,), _NEW_HOLDINGS),
    DataCode.SHORT_POSITION: DataRule((65,), _NEW_HOLDINGS),
    DataCode.LOT_MISMATCH: DataRule((66,), "lots that sum to the position within 0.0001 share"),
    DataCode.LOTS_MISSING: DataRule((67,), "lots for every position of the account"),
    DataCode.BASIS_UNKNOWN: DataRule((68,), "a positive cost for each lot, or the mark of a gift or inheritance"),
    DataCode.LOT_DATE: DataRule((69,), "a purchase date between 1900 and the previous session"),
    DataCode.QTY_RANGE: DataRule((71,), _NEW_HOLDINGS),
    DataCode.VALUE_MISMATCH: DataRule((72,), "a market value within 0.5 % of quantity times price"),
    DataCode.LOT_DUP: DataRule((76,), "lot ids that name one account"),
    DataCode.VALUE_JUMP: DataRule((73,), "a value within 30 % of the day before, or the flow that explains it"),
    DataCode.RESTRICTED_SHARES: DataRule((74,), "lots marked as the custodian marks the position"),
    DataCode.FRACTION_LEFT: DataRule((70,), "a person deals with the fraction of a share", LiftingRole.ADVISOR),
    DataCode.CASH_NEGATIVE: DataRule((77,), _NEW_HOLDINGS),
    DataCode.CASH_DUP: DataRule((84,), "cash that counts the sweep fund once"),
    DataCode.FX_MISSING: DataRule((85,), "the money in dollars, or a rate for its currency"),
    DataCode.WITHDRAWAL_SHORT: DataRule((80,), "a withdrawal that the account can pay", LiftingRole.ADVISOR),
    DataCode.DEPOSIT_MISSING: DataRule(
        (81,), "the deposit in the custodian's cash, or the announcement taken back", LiftingRole.ADVISOR
    ),
    DataCode.PENDING_MISMATCH: DataRule((79,), "positions that agree with our own executions"),
    DataCode.FOREIGN_TRADE: DataRule((82,), "the trade explained, and holdings that agree with it"),
    DataCode.FILL_MISSING: DataRule((83,), "holdings that contain our fill"),
    DataCode.SETTINGS_INVALID: DataRule((92,), "settings that do not contradict each other"),
    DataCode.NO_MODEL: DataRule((93,), "a model that the firm has published is assigned to the account"),
    DataCode.ACCOUNT_CLOSED: DataRule((93,), "the accounts feed gives the account the standing OPEN again"),
    DataCode.NON_DISCRETIONARY: DataRule((93,), "the client's consent to each proposal", LiftingRole.ADVISOR),
    DataCode.MODEL_INVALID: DataRule((94,), _NEW_MODEL),
    DataCode.MODEL_COVERAGE: DataRule((3, 25), "prices and risk exposures for all but 5 % of the model's weight"),
    DataCode.UNDECLARED_CASH: DataRule((94,), "a model that declares its cash weight"),
}


def what_clears(suspension: Suspension) -> str:
    """What has to happen before the suspension ends, in words: for bad data what its code's entry says."""
    if suspension.kind is SuspensionKind.DATA and suspension.code in DataCode.__members__:
        return CATALOGUE[DataCode(suspension.code)].cleared_by
    return suspension.cleared_by
