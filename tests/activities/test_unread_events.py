"""Corporate actions that cannot be read, or cannot be meant: who holds the security waits, and nobody else."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from tests.activities.action_nights import BOTH, CORE, EVE, FIRM, FRIDAY, MONDAY, ActionNights, Lots, Night, an_event
from tests.servers import FreshDatabase
from trimtab import corporate_action_desk as desk
from trimtab.data_queues import QUEUES
from trimtab.db.data_changes import DataChangeKind
from trimtab.db.engine import sync_engine
from trimtab.db.event_terms import event_of
from trimtab.db.inputs import DeliveredAction
from trimtab.domain.corporate_actions_events import TermsIncomplete
from trimtab.domain.securities import SecurityId

HELD: dict[str, Lots] = {
    "UNREAD": {"AAPL": [("100", "4000.00", "2019-03-01")]},
    "MENDED": {"MMM": [("100", "4000.00", "2019-03-01")]},
    "INVERTED": {"GE": [("100", "4000.00", "2019-03-01")]},
    "ADDITIONAL": {"DIV": [("100", "4000.00", "2019-03-01")]},
    "TWOFOLD": {"TWX": [("100", "4000.00", "2019-03-01")]},
    "THIRD": {"PXD": [("30000", "4000.00", "2019-03-01")]},
    "QUIET": {"FOX": [("100", "4000.00", "2019-03-01")]},
}
CLOSES = dict.fromkeys(("AAPL", "MMM", "GE", "DIV", "TWX", "T", "CVR", "PXD", "XOM", "FOX"), "100.00")
UNREADABLE = [
    an_event("SPLF", "AAPL", new_shares="4:1", old_shares="1", ex_on=MONDAY.isoformat()),
    an_event("BONU", "MMM", new_shares="2", old_shares="1", ex_on=MONDAY.isoformat()),
]
NOT_MEANT = [
    an_event("SPLF", "GE", new_shares="1", old_shares="4"),  # a hundred shares would become 25
    an_event("DVSE", "DIV", new_shares="3", old_shares="100"),  # additional ones: a hundred would become three
    *(an_event("MRGR", "TWX", new_shares="1", old_shares="1", new_symbol=name, treatment="TAX_FREE")
      for name in ("T", "CVR")),
]  # fmt: skip
STATED = an_event("MRGR", "PXD", new_shares="0.3333", old_shares="1", new_symbol="XOM", treatment="TAX_FREE")


@pytest.fixture
def nights(database: FreshDatabase, tmp_path: Path) -> Iterator[ActionNights]:
    engine = sync_engine(database.app_url, pool_size=1)
    models = {"M": {CORE: "0.98", "CASH": "0.02"}}
    yield ActionNights(engine, tmp_path / "drop", (CORE, *CLOSES), models).founded()
    engine.dispose()


def told_by_both(*rows: dict[str, str]) -> list[dict[str, str]]:
    return [{**row, "source": source} for row in rows for source in BOTH]


@pytest.mark.covers("D3")
def test_events_that_cannot_be_read_or_meant_bar_their_holders(nights: ActionNights) -> None:
    """Monday's event is not known to be Monday's: its row is unreadable. So its holders wait from Friday on."""
    nights.deliver(Night(FRIDAY, EVE, HELD, CLOSES, [*UNREADABLE, *told_by_both(*NOT_MEANT, STATED)]))
    with nights.transaction() as connection:
        merger = desk.approvable(connection, FRIDAY, "EV-PXD", 1)
        desk.approve(connection, FIRM, FRIDAY, merger, persons=("dora",), reason="as the prospectus says")
    assert nights.judge(FRIDAY) == {
        "UNREAD": "CA_INCOMPLETE", "MENDED": "CA_INCOMPLETE", "INVERTED": "CA_UNSYNCED",
        "ADDITIONAL": "CA_UNSYNCED", "TWOFOLD": "CA_UNSYNCED",
    }  # fmt: skip
    with nights.transaction() as connection:
        aside = list(QUEUES["aside"](connection, FRIDAY))
    assert nights.lots("THIRD").split()[:2] == ["XOM", "9999"]  # 30,000 x 0.3333; a third would be 10,000

    unread, unknown = aside
    assert unread == (
        "corporate_actions (corporate_actions-20261120.csv) line 3: new_shares ROW_UNREADABLE: "
        "'4:1' is not a plain decimal number; of security AAPL"
    )
    assert unknown.startswith("corporate_actions (corporate_actions-20261120.csv) line 4: kind ROW_UNREADABLE: 'BONU'")

    mended = an_event("SPLF", "MMM", new_shares="2", old_shares="1", ex_on="2026-12-01")
    nights.deliver(Night(MONDAY, FRIDAY, HELD, CLOSES, [mended]))
    codes = nights.judge(MONDAY)
    assert (codes["UNREAD"], "MENDED" in codes, "QUIET" in codes) == ("CA_INCOMPLETE", False, False)

    entry = {"version": 1, "kind": "SPLF", "security_id": "AAPL", "ex_on": "2026-12-02", "new_shares": "4",
             "old_shares": "1"}  # fmt: skip
    nights.agreed(DataChangeKind.CORPORATE_ACTION, "EV-AAPL", entry, on=MONDAY)
    assert "UNREAD" not in nights.judge(MONDAY, attempt=2)


def told(kind: str, new: str, old: str, received: str | None = None) -> DeliveredAction:
    security = SecurityId(received) if received else None
    return DeliveredAction("E", 1, kind, SecurityId("P"), FRIDAY, Decimal(new), Decimal(old), None, "CONFIRMED",
                           received, security, treatment="TAX_FREE")  # fmt: skip


def test_a_stock_dividend_that_takes_shares_and_a_merger_into_two_lack_their_terms() -> None:
    for rows in ([told("DVSE", "3", "100")], [told("MRGR", "1", "1", name) for name in ("T", "CVR")]):
        with pytest.raises(TermsIncomplete):
            event_of(rows)
    assert event_of([told("DVSE", "103", "100")]) is not None
