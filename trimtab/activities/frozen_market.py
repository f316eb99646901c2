"""What freezing a market reads and gives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Connection

from trimtab.activities.splits import Split
from trimtab.corporate_action_calendar import DueEvent
from trimtab.db.deliveries import FeedState
from trimtab.domain.corporate_actions_sync import AnnouncedEvent, SyncLine
from trimtab.domain.data_codes import DataCode
from trimtab.domain.findings import Finding
from trimtab.domain.lots import LotId
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.price_checks import JudgedPrice
from trimtab.domain.restriction_lists import RestrictionList
from trimtab.domain.securities import SecurityId
from trimtab.domain.snapshots import MarketSnapshot
from trimtab.domain.wash_sales import DAYS_EITHER_SIDE


@dataclass(frozen=True, slots=True)
class MarketDay:
    """The firm's business day whose market is frozen, and what has come for it."""

    connection: Connection
    firm_id: str
    business_date: date
    as_of: date  # the session before
    states: Mapping[str, FeedState]  # by kind
    settings_seq: int

    @property
    def deliveries(self) -> dict[str, str]:
        """The usable delivery of each kind that has one."""
        return {kind: state.delivery_id for kind, state in self.states.items() if state.delivery_id is not None}

    @property
    def since(self) -> date:
        """The start of the oldest wash sale window that is open today."""
        return self.business_date - DAYS_EITHER_SIDE


@dataclass(frozen=True, slots=True)
class MarketFindings:
    """What was found once for all accounts of a run."""

    faulty_prices: Mapping[SecurityId, JudgedPrice] = field(default_factory=dict)
    barred: Mapping[SecurityId, DataCode] = field(default_factory=dict)  # beyond its price: holders are suspended
    splits: tuple[Split, ...] = ()
    earlier_splits: tuple[Split, ...] = ()  # since the oldest open wash sale window
    events: tuple[AnnouncedEvent, ...] = ()  # beyond splits and dividends, of the last weeks
    due: tuple[DueEvent, ...] = ()  # every event but dividends that holds or waits, in the order of application
    inheritors: Mapping[SecurityId, tuple[SecurityId, ...]] = field(default_factory=dict)  # of accounts' restrictions
    sync: tuple[SyncLine, ...] = ()  # the day's sync report (W-F1)
    duplicate_lots: tuple[LotId, ...] = ()
    missing_accounts: tuple[str, ...] = ()
    model_faults: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    stops: tuple[Finding, ...] = ()  # the whole firm
    former_names: Mapping[str, SecurityId] = field(default_factory=dict)  # CUSIPs of before, and those the firm mapped
    proxied: Mapping[SecurityId, str] = field(default_factory=dict)  # whose risk is a proxy's, and where it is from
    incomplete: Mapping[SecurityId, str] = field(default_factory=dict)  # held, never bought: what is lacking
    lists: tuple[RestrictionList, ...] = ()  # in force on the day
    value_jumps: Mapping[str, str] = field(default_factory=dict)  # account id to how its value jumped, in words
    missing_deposits: Mapping[str, str] = field(default_factory=dict)  # account id to what has not come, in words


@dataclass(frozen=True, slots=True)
class FrozenMarket:
    """What freezing computes before it is stored."""

    snapshot: MarketSnapshot
    findings: MarketFindings
    models: Mapping[str, ModelPortfolio]
