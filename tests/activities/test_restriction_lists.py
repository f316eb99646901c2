"""Restriction lists as a feed: versions, as-of dates, who obeys them, and what is wrong with them (D4, MD-9)."""

from datetime import date
from typing import Any

import pytest

from tests.activities.feed_day import FIRM, SPECIAL, FeedDay, everybody_but_closed
from trimtab.activities.deliveries import awaited
from trimtab.db.content import get_content
from trimtab.db.data_changes import lists_on
from trimtab.db.engine import firm_transaction
from trimtab.db.profiles import change_layer
from trimtab.db.settings_versions import newest_seq
from trimtab.db.stages import newest_result
from trimtab.demo import faults
from trimtab.domain.account_settings import RestrictionKind
from trimtab.domain.lifecycle import Stage
from trimtab.domain.profile.levels import LayerKey
from trimtab.domain.profile.registry import LANGUAGE
from trimtab.domain.profile.statements import Level
from trimtab.domain.restriction_lists import ListRule, RestrictionList
from trimtab.domain.snapshots import AccountSnapshot
from trimtab.feeds.writing import FeedFile, write_feed
from trimtab.unknown_securities import list_hits

pytestmark = pytest.mark.covers("D4")

COLUMNS = ("list_id", "version", "as_of", "rule", "binds", "reason", "symbol")
SOUND = "A00002"


def deliver(day: FeedDay, *rows: tuple[Any, ...]) -> None:
    write_feed(FeedFile("restriction_lists", "COMPLIANCE", COLUMNS, rows), day.drop, FIRM, day.date, day.firm.as_of)


def row(symbol: str, *, version: int = 1, rule: str = "NEVER_BUY", binds: str = "EVERYBODY") -> tuple[Any, ...]:
    return ("TOBACCO", version, date(2026, 11, 18), rule, binds, "sells tobacco", symbol)


def held_symbol(day: FeedDay, account_id: str) -> str:
    return day.symbol(next(each.security_id for each in day.firm.book.holdings if each.account_id == account_id))


def security_of(day: FeedDay, symbol: str) -> str:
    return next(str(each.id) for each in day.firm.securities if each.symbol == symbol)


def in_force(day: FeedDay) -> dict[str, RestrictionList]:
    with firm_transaction(day.engine, FIRM) as connection:
        return {each.id: each for each in lists_on(connection, day.date, newest_seq(connection))}


def restricted(day: FeedDay, account_id: str, kind: RestrictionKind) -> dict[str, str]:
    """Security to the reason, of the account's snapshot."""
    ref = next(each for each in day.refs if each.account_id == account_id)
    with firm_transaction(day.engine, FIRM) as connection:
        result = newest_result(connection, ref, Stage.VALIDATE)
        assert result is not None
        settings = get_content(connection, str(result.detail["snapshot"]), AccountSnapshot).settings
    return {each.security_id: each.reason for each in settings.restrictions if each.kind is kind}


def screen_by(day: FeedDay, account_id: str, sentence: str) -> None:
    said = LANGUAGE.parse(sentence)
    key = LayerKey(Level.ACCOUNT, account_id)
    with firm_transaction(day.engine, FIRM) as connection:
        change_layer(
            connection, FIRM, key, {LANGUAGE.place(said): said}, effective_from=day.date, actor="anna", reason="a wish"
        )


def test_a_delivered_list_binds_everybody_or_who_chooses_it_and_is_screened_against_holdings_and_models(day):
    symbol = held_symbol(day, SOUND)
    name = security_of(day, symbol)
    deliver(day, row(symbol, rule="NEVER_HOLD"), ("COAL", 4, date(2026, 10, 31), "", "", "", symbol))
    assert day.load()["restriction_lists"].rows == 2
    day.judge()
    assert day.codes() == SPECIAL
    told = "list TOBACCO, version 1 of 2026-11-18: sells tobacco"
    assert restricted(day, SOUND, RestrictionKind.NEVER_HOLD) == {name: told}
    assert restricted(day, SOUND, RestrictionKind.NEVER_BUY) == {}  # nobody has chosen COAL
    assert in_force(day)["COAL"].by_choice
    with firm_transaction(day.engine, FIRM) as connection:
        hits = {hit.list_id: hit for hit in list_hits(connection, day.date)}
    assert hits["TOBACCO"].accounts == len(day.holders(name))
    assert set(hits["TOBACCO"].models or {}) == {each.id for each in day.firm.models if each.weights.get(name)}


def test_who_screens_by_a_delivered_list_obeys_it_and_nobody_else(day):
    symbol = held_symbol(day, SOUND)
    deliver(day, row(symbol, version=7, binds="BY_CHOICE"))
    day.load()
    screen_by(day, SOUND, "Buy nothing on list TOBACCO, and sell what is held.")
    day.judge()
    told = {security_of(day, symbol): "list TOBACCO, version 7 of 2026-11-18: sells tobacco"}
    assert restricted(day, SOUND, RestrictionKind.NEVER_HOLD) == told
    other = next(each for each in sorted(day.outcomes) if each not in SPECIAL and each != SOUND)
    assert restricted(day, other, RestrictionKind.NEVER_HOLD) == {}


def test_a_screen_by_a_list_that_nobody_knows_suspends_the_account(day):
    day.load()
    screen_by(day, SOUND, "Buy nothing on list TOBACCO.")
    day.judge()
    assert day.codes() == SPECIAL | {SOUND: "SETTINGS_INVALID"}


def test_a_list_with_a_row_that_cannot_be_read_stands_still_who_obeys_it(day):
    """Nobody knows what the row would have barred, so nobody who obeys the list trades; others do."""
    symbol, other = held_symbol(day, SOUND), str(day.firm.securities[-1].symbol)
    both = (row(each, binds="BY_CHOICE") for each in (symbol, other))
    deliver(day, *both, ("COAL", 1, day.firm.as_of, "", "", "", symbol))
    faults.set_field(day.path("restriction_lists"), {"symbol": symbol, "list_id": "TOBACCO"}, "rule", "SELL")
    day.load()
    screen_by(day, SOUND, "Buy nothing on list TOBACCO.")
    day.judge()
    assert day.codes() == SPECIAL | {SOUND: "SETTINGS_INVALID"}


def test_a_version_that_comes_again_with_other_names_or_goes_back_is_a_fault(day):
    deliver(day, row(held_symbol(day, SOUND), version=2))
    day.load()
    assert in_force(day)["TOBACCO"].faults == ()
    other = next(str(each.symbol) for each in day.firm.securities if each.symbol != held_symbol(day, SOUND))
    for version, told in ((2, "version 2 came before with other names"), (1, "version 1 came after version 2")):
        deliver(day, row(other, version=version))
        day.load()
        day.release("restriction_lists")
        day.load()
        assert in_force(day)["TOBACCO"].faults == (told,)
        deliver(day, row(held_symbol(day, SOUND), version=2))


def test_a_newer_version_replaces_the_list_and_what_was_known_before_stays(day):
    first, second = (str(each.symbol) for each in day.firm.securities[:2])
    deliver(day, row(first))
    day.load()
    with firm_transaction(day.engine, FIRM) as connection:
        known = newest_seq(connection)
    deliver(day, row(second, version=2), row(first, version=2))
    day.load()
    day.release("restriction_lists")
    day.load()
    assert in_force(day)["TOBACCO"].securities == tuple(sorted((security_of(day, first), security_of(day, second))))
    with firm_transaction(day.engine, FIRM) as connection:
        (before,) = lists_on(connection, day.date, known)
    assert (before.version, before.securities, before.rule) == (1, (security_of(day, first),), ListRule.NEVER_BUY)


def test_a_day_without_lists_keeps_those_of_before_and_a_refused_file_of_lists_bars_the_day(day):
    with firm_transaction(day.engine, FIRM) as connection:
        assert "restriction_lists" not in awaited(connection, day.date)
    deliver(day, row(held_symbol(day, SOUND)))
    faults.miscount(day.path("restriction_lists"))
    assert day.load()["restriction_lists"].reason_codes == ("FEED_TRUNCATED",)
    day.judge()
    assert day.codes() == everybody_but_closed(day, "FEED_TRUNCATED")
