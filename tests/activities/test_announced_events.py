"""Events beyond splits through the real path: files loaded, accounts judged on PostgreSQL."""

from datetime import timedelta

import pytest

from tests.activities.feed_day import FIRM, SPECIAL, FeedDay
from trimtab.activities.inputs import Inputs
from trimtab.db.engine import firm_transaction
from trimtab.demo import faults
from trimtab.domain.corporate_actions_sync import Source, SourceState, SyncLine


def announce(day: FeedDay, kind: str, security_id: str, *, days_ago: int = 0, **cells: str) -> None:
    """One more row in the day's corporate actions."""
    path = day.path("corporate_actions")
    present = path.read_text().splitlines()[1].split(",")
    for column in sorted(cells.keys() - set(present)):
        faults.add_column(path, column)
    row = {
        "event_id": "EVENT",
        "version": "1",
        "kind": kind,
        "ex_on": (day.date - timedelta(days=days_ago)).isoformat(),
        "status": "CONFIRMED",
        "security_id": security_id,
        **cells,
    }
    header = path.read_text().splitlines()[1].split(",")
    faults.add_row(
        path, {name: row.get(name, "") for name in header if name != "security_id"} | _named(day, row, header)
    )


def _named(day: FeedDay, row: dict[str, str], header: list[str]) -> dict[str, str]:
    if "security_id" in header:
        return {"security_id": row["security_id"]}
    return {"symbol": day.symbol(row["security_id"])}


def codes(day: FeedDay) -> dict[str, str]:
    assert {file.reason_codes for file in day.load().values()} == {()}
    day.judge()
    return {name: code for name, code in day.codes().items() if name not in SPECIAL}


def held_and_not(day: FeedDay) -> tuple[str, str, set[str]]:
    """(a security that few hold, another that none of them holds, its holders among the sound accounts)."""
    ids = {each.security_id for each in day.firm.book.holdings} - {day.firm.actions[0].security_id}
    ids -= {each.id for each in day.firm.securities if not each.symbol}
    known = {each.id for each in day.firm.securities}
    name = min(ids & known, key=lambda each: (len(day.holders(each) - SPECIAL.keys()) or 99, each))
    other = next(each for each in sorted(ids & known) if not day.holders(each) & day.holders(name))
    return name, other, day.holders(name) - SPECIAL.keys()


def sync_lines(day: FeedDay) -> tuple[SyncLine, ...]:
    with firm_transaction(day.engine, FIRM) as connection:
        return Inputs().of_run(connection, day.ref).findings.sync


@pytest.mark.covers("W-F1", "W-F2")
def test_a_spin_off_without_allocation_suspends_its_holders_and_nobody_else(day):
    name, child, holders = held_and_not(day)
    announce(day, "SOFF", name, new_shares="1", old_shares="4", new_symbol=day.symbol(child))

    assert codes(day) == dict.fromkeys(holders, "CA_BASIS")
    (line,) = sync_lines(day)
    assert (line.event.security_id, line.event.received) == (name, (child,))
    assert line.states[Source.PRICES] is SourceState.WAITING


def test_a_spin_off_with_its_allocation_waits_for_the_sources(day):
    name, child, holders = held_and_not(day)
    announce(day, "SOFF", name, new_symbol=day.symbol(child), basis_percent="15.5218", basis_source="Form 8937")
    assert codes(day) == dict.fromkeys(holders, "CA_UNSYNCED")


def test_an_announced_event_and_one_with_a_choice_have_codes_of_their_own(day):
    name, _, holders = held_and_not(day)
    announce(day, "TEND", name, cash_per_share="50.00")
    assert codes(day) == dict.fromkeys(holders, "CA_ELECTION")


def test_a_spin_off_of_yesterday_holds_up_accounts_whose_custodian_lacks_the_child(day):
    name, child, holders = held_and_not(day)
    announce(day, "SOFF", name, days_ago=1, new_symbol=day.symbol(child), basis_percent="10", basis_source="8937")
    assert codes(day) == dict.fromkeys(holders, "CA_UNSYNCED")


def test_a_spin_off_of_yesterday_that_the_custodian_has_booked_holds_up_nobody(day):
    holdings = day.firm.book.holdings
    account = next(each.account_id for each in holdings if each.account_id not in SPECIAL)
    mine = sorted({each.security_id for each in holdings if each.account_id == account})
    parent = next(each for each in mine if each != day.firm.actions[0].security_id)
    child = next(each for each in mine if each not in (parent, day.firm.actions[0].security_id))
    announce(day, "SOFF", parent, days_ago=1, new_symbol=day.symbol(child), basis_percent="10", basis_source="8937")

    found = codes(day)

    assert account not in found
    both = day.holders(parent) & day.holders(child)
    assert set(found) == day.holders(parent) - both - SPECIAL.keys()


@pytest.mark.parametrize(("kind", "status"), [("CHAN", "CONFIRMED"), ("MRGR", "REVERSED")])
def test_a_rename_and_a_withdrawn_event_hold_up_nobody(day, kind, status):
    name, _, _ = held_and_not(day)
    announce(day, kind, name, status=status, cash_per_share="50.00")
    assert codes(day) == {}
