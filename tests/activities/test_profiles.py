"""What people decide in the profile reaches the night's snapshot, with its origin, through the real stages."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select

from tests.activities.feed_day import FIRM, SPECIAL, FeedDay
from tests.activities.test_validate import SOUND, flags_of, run_data, snapshot_of
from trimtab.db.bulk_changes import keep, keep_members
from trimtab.db.engine import firm_transaction
from trimtab.db.profile_changes import LIMITS
from trimtab.db.profiles import change_layer
from trimtab.db.settings_versions import RESTRICTION_LIST, write_version
from trimtab.db.tables import intent, posting, stage_result
from trimtab.domain.account_settings import RestrictionKind, Tracking
from trimtab.domain.model_portfolios import ModelPortfolio
from trimtab.domain.profile.bulk import ACCOUNTS, BulkChange, BulkPreview, BulkStatus, Exemption
from trimtab.domain.profile.levels import LayerKey
from trimtab.domain.profile.limits import CustomisationLimits
from trimtab.domain.profile.registry import LANGUAGE
from trimtab.domain.profile.statements import Level
from trimtab.domain.records import plain
from trimtab.domain.restriction_lists import RestrictionList
from trimtab.domain.securities import SecurityId, SecurityKind


def decide(day: FeedDay, key: LayerKey, *sentences: str, exception: str | None = None) -> None:
    said = [LANGUAGE.parse(sentence) for sentence in sentences]
    with firm_transaction(day.engine, FIRM) as connection:
        change_layer(
            connection,
            FIRM,
            key,
            {LANGUAGE.place(each): each for each in said},
            effective_from=day.date,
            actor="anna",
            reason="a wish",
            exception=exception,
        )


def held_securities(day: FeedDay, account_id: str) -> list[str]:
    return sorted({str(each.security_id) for each in day.firm.book.holdings if each.account_id == account_id})


@pytest.mark.covers("C1", "C2")
def test_settings_of_every_level_reach_the_night(day: FeedDay):
    day.load()
    account = next(each.account for each in day.firm.accounts if each.id == SOUND)
    one, other = held_securities(day, SOUND)[:2]
    decide(day, LayerKey(Level.FIRM), "Keep 2 % in cash.", "Turn over at most 30 % in one rebalance.")
    decide(day, LayerKey(Level.FIRM), "Pay $20 for each order of a fund in tier ANY at custodian Schwab.")
    decide(
        day,
        LayerKey(Level.PROGRAMME, account.programme),
        "Leave no position smaller than $700.",
        "Pay $3 for each order of any security in tier ANY at custodian ANY.",
    )
    decide(day, LayerKey(Level.ADVISOR, account.advisor_id), "Follow the target loosely.", "Keep 3 % in cash.")
    decide(day, LayerKey(Level.HOUSEHOLD, account.household_id), "Tax long-term gains at 23.8 %.")
    decide(
        day,
        LayerKey(Level.ACCOUNT, SOUND),
        f"Never sell {one}.",
        "The account is held at custodian Schwab.",
        "Buy nothing on list Sin.",
        "Keep tracking error at or below 9 % a year.",
        f"Pay out $1,500 on {day.date + timedelta(days=5)}.",
    )
    sin = RestrictionList("Sin", 1, day.date, (SecurityId(other), SecurityId("NONE")), programmes=("BY CHOICE",))
    a_list: Any = plain(sin)
    with firm_transaction(day.engine, FIRM) as connection:
        write_version(
            connection,
            FIRM,
            RESTRICTION_LIST,
            "Sin",
            a_list,
            effective_from=date(2026, 1, 1),
            actor="carl",
            reason="",
            supersedes=None,
        )

    day.judge()

    settings = snapshot_of(day, SOUND).settings
    assert settings.cash_target == Decimal("0.03")
    assert settings.turnover_limit == Decimal("0.3")
    assert settings.minimum_holding == 700
    assert (settings.commission, settings.commission_by_kind) == (3, {SecurityKind.FUND: 20})
    assert settings.tracking is Tracking.LOOSE
    assert settings.long_term_rate == Decimal("0.238")
    assert settings.tracking_error_limit == Decimal("0.09")
    assert one in settings.restricted(RestrictionKind.NEVER_SELL)
    assert other in settings.restricted(RestrictionKind.NEVER_BUY)
    assert "NONE" not in settings.restricted(RestrictionKind.NEVER_BUY)
    assert settings.cash_needs[-1].amount == 1_500


@pytest.mark.covers("M5b", "S6")
def test_wishes_beyond_the_limits_are_flagged_at_night_unless_somebody_has_approved_them(day: FeedDay):
    """Nothing of the model may be barred without an approval; the firm's own ban is no client's wish."""
    day.load()
    account = next(each.account for each in day.firm.accounts if each.id == SOUND)
    model = next(each for each in day.firm.models if each.id == account.model_id)
    small = sorted(model.weights, key=lambda name: model.weights[name])[:3]
    others = [each.id for each in day.firm.accounts if each.account.model_id == model.id and each.id not in SPECIAL]
    limits: Any = plain(CustomisationLimits(account.programme, barred_names=0))
    with firm_transaction(day.engine, FIRM) as connection:
        write_version(connection, FIRM, LIMITS, limits["id"], limits, **FROM_START)
    approved = next(name for name in others if name != SOUND)
    decide(day, LayerKey(Level.FIRM), f"Never buy {small[0]}.")
    decide(day, LayerKey(Level.ACCOUNT, SOUND), f"Never buy {small[1]}.")
    decide(day, LayerKey(Level.ACCOUNT, approved), f"Never buy {small[2]}.", exception="e1")
    exempt_until_today(day, approved)

    day.judge()

    assert ("EXEMPTION_DUE", f"account/{approved}/c1") in day.alerts()
    assert "BEYOND_LIMITS" in flags_of(day, SOUND)
    assert "BEYOND_LIMITS" not in flags_of(day, approved)
    assert small[1] in snapshot_of(day, SOUND).settings.never_bought


FROM_START: dict[str, Any] = {"effective_from": date(2026, 1, 1), "actor": "t", "reason": "", "supersedes": None}


@pytest.mark.covers("X3", "X10")
def test_what_hangs_on_the_day_is_worked_out_by_the_night(day: FeedDay):
    """A glide path, one to nowhere, a question about tracking error, and budgets of the year, for four accounts."""
    day.load()
    gliding, lost, asking, spending = [each.id for each in day.firm.accounts if each.id not in SPECIAL][:4]
    own, other = glide_models(day, gliding)
    between = f"between {day.date - timedelta(days=10)} and {day.date + timedelta(days=90)}."
    decide(day, of(gliding), f"Glide from the account's model to {other.id} {between}")
    decide(day, of(lost), f"Glide from the account's model to NOWHERE {between}")
    decide(day, of(asking), "Ask a person when tracking error stays above 2 % a year.")
    decide(
        day,
        of(spending),
        "Tax short-term gains at 40 %.",
        "Cause at most $5,000 of tax a year, released all at once.",
        "Realise at most $9,000 of net gains a year.",
    )
    with firm_transaction(day.engine, FIRM) as connection:
        post(connection, spending, "p1", date(day.date.year, 1, 5), "2000")
        post(connection, spending, "p0", date(day.date.year - 1, 12, 30), "7000")

    day.judge()

    # ten days of a hundred: a tenth of the other model, and nine tenths of its own
    followed = snapshot_of(day, gliding).account.model_id
    mix, name = run_data(day).models[followed], next(iter(own.weights))
    assert followed == f"{own.id}>{other.id}@0.1000"
    assert mix.weights[name] == Decimal("0.9") * own.weights[name] + Decimal("0.1") * other.weights.get(name, 0)
    assert sum(mix.weights.values()) + mix.cash == 1
    assert day.codes()[lost] == "NO_MODEL"
    assert validated(day, asking)["ask_above_tracking_error"] == "0.02"
    # 2,000 at 40 % have used 800 of the budget of tax; last year's 7,000 do not count
    budgets = snapshot_of(day, spending).settings
    assert (budgets.tax_budget, budgets.gain_budget) == (4_200, 7_000)


def exempt_until_today(day: FeedDay, account_id: str) -> None:
    """A bulk change in force from which the account is exempt, to be looked at today."""
    with firm_transaction(day.engine, FIRM) as connection:
        change = BulkChange(
            change_id="c1",
            target=ACCOUNTS,
            filter=None,
            changes={"cash_target": LANGUAGE.parse("Keep 2 % in cash.")},
            effective_from=day.date,
            reason="a schedule",
            proposed_by=("olga",),
            members=keep_members(connection, FIRM, [account_id]),
            known_seq=0,
            preview=BulkPreview(1, 1),
            exemptions=(Exemption(account_id, "a lawsuit", ("anna",), review_on=day.date),),
            status=BulkStatus.APPLIED,
        )
        keep(connection, FIRM, change, "carl", None)


def of(account_id: str) -> LayerKey:
    return LayerKey(Level.ACCOUNT, account_id)


def glide_models(day: FeedDay, account_id: str) -> tuple[ModelPortfolio, ModelPortfolio]:
    """The account's own model, and another."""
    model_id = next(each.account.model_id for each in day.firm.accounts if each.id == account_id)
    own = next(each for each in day.firm.models if each.id == model_id)
    return own, next(each for each in day.firm.models if each.id != model_id)


def validated(day: FeedDay, account_id: str) -> dict[str, Any]:
    """What the validate stage has kept."""
    with firm_transaction(day.engine, FIRM) as connection:
        row = select(stage_result.c.result).where(
            stage_result.c.account_id == account_id, stage_result.c.stage == "validate"
        )
        detail: dict[str, Any] = connection.execute(row).scalar_one()["detail"]
        return detail


def post(connection: Connection, account_id: str, name: str, on: date, gain: str) -> None:
    """A sale of our own, posted on a day with a short-term gain."""
    sold = {"firm_id": FIRM, "intent_id": name, "account_id": account_id, "security_id": "S1"}
    connection.execute(
        insert(intent).values(
            **sold,
            account_day_id=f"day-{name}",
            household_id="H",
            business_date=on,
            proposal_hash="0" * 64,
            leg=1,
            wash_key="S1",
            side="SELL",
            quantity=1,
            reference_price=1,
            realizes_loss=False,
            lot_sales=[],
            programme="CORE",
            build="test",
            status="FILLED",
        )
    )
    connection.execute(
        insert(posting).values(
            **sold,
            posting_id=name,
            trade_date=on,
            quantity=-1,
            basis=-1,
            term="SHORT_TERM",
            cash=1,
            gain=Decimal(gain),
        )
    )
