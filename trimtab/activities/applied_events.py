"""An account's events on a night: what its custodian has booked, what is applied, and what makes the account wait."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from trimtab.activities.holdings import RawHoldings
from trimtab.activities.inputs import RunData
from trimtab.activities.prepared import AccountLots, Booking, Prepared, applied_to, reversal_of, with_event
from trimtab.corporate_action_calendar import DueEvent
from trimtab.db.corporate_actions import StoredApplication
from trimtab.domain.corporate_actions import ActionKind, SplitState, split_state
from trimtab.domain.corporate_actions_account import (
    A_FRACTION,
    AccountChange,
    CustodianSide,
    Shares,
    custodian_side,
    same_shares,
)
from trimtab.domain.corporate_actions_lifecycle import BookedBy, EventState
from trimtab.domain.data_codes import DataCode
from trimtab.domain.errors import TrimtabError
from trimtab.domain.money import ZERO
from trimtab.domain.securities import SecurityId

_LOTS_STAY: Final = frozenset({ActionKind.CHAN, ActionKind.DLST, ActionKind.BRUP})
_BOOKED: Final = (EventState.APPLIED, EventState.RECONCILED)
_SIDES: Final = {
    SplitState.BEFORE: CustodianSide.BEFORE,
    SplitState.APPLIED: CustodianSide.APPLIED,
    SplitState.UNCLEAR: CustodianSide.UNCLEAR,
}


def prepare(run: RunData, raw: RawHoldings) -> Prepared:
    """The account with every event that holds and that its custodian's file does not show.

    Repeating it is safe: it starts from the raw file, and what is written down is written once.
    """
    prepared = Prepared(raw, raw.positions, raw.lots, raw.cash)
    for due in run.findings.due:
        if due.kind not in _LOTS_STAY and (prepared.held([due.security_id]) or raw.memory.of(due.event_id)):
            prepared = _Night(run, due, prepared).settled()
    return prepared


class _Night:
    """One event in one account."""

    def __init__(self, run: RunData, due: DueEvent, prepared: Prepared) -> None:
        self._run = run
        self._due = due
        self._prepared = prepared
        self._memory = prepared.raw.memory.of(due.event_id)
        self._standing = standing_of(self._memory)
        self._traded = prepared.raw.memory.traded.get(due.event_id, {})
        self._late = due.is_late(run.manifest.as_of)

    def settled(self) -> Prepared:
        due, standing = self._due, self._standing
        if due.state is EventState.REVERSED:
            return self._reversed()
        if not due.is_confirmed:
            return self._prepared if standing is None else self._doubt(DataCode.CA_UNSYNCED, "waits to be confirmed")
        if any((row.version, row.state) == (due.version, EventState.RECONCILED) for row in self._memory):
            return self._prepared
        if standing is not None and standing.version == due.version and standing.terms_hash != due.terms_hash:
            return self._doubt(DataCode.CA_CONFLICT, "came again with other terms under the same number")
        try:
            return self._first_night() if standing is None else self._later_night(standing)
        except TrimtabError as lacking:
            code = DataCode(lacking.code) if lacking.code in DataCode.__members__ else DataCode.CA_INCOMPLETE
            return self._prepared.doubted(code, str(lacking))

    # --- an event that was not applied to the account before ------------------------------------------------------

    def _first_night(self) -> Prepared:
        before = self._prepared.of(self._due.names)
        if not before.shares.get(self._due.security_id):
            return self._prepared
        after, done = applied_to(self._due, self._prepared.account_id, before)
        side = self._side_at_first(before.shares, after.shares)
        if side is None:
            return self._behind() if self._late else self._apply(before, after, done)
        match side:
            case CustodianSide.BEFORE:
                return self._apply(before, after, done)
            case CustodianSide.APPLIED:
                return self._reconciled(AccountLots((), self._eve()), BookedBy.CUSTODIAN)
            case CustodianSide.UNCLEAR:
                name = self._due.security_id
                message = f"the custodian's shares and value of {name} fit neither side of its split"
                return self._prepared.doubted(DataCode.CA_UNSYNCED, message)

    def _side_at_first(self, today: Shares, after: Shares) -> CustodianSide | None:
        """Which side the file shows, by the file before it, or a split's own value; None when nothing tells."""
        eve = self._eve()
        if eve and not same_shares(eve, self._after(eve)):
            side = custodian_side(today, eve, self._after(eve), {})
            if side is not CustodianSide.UNCLEAR:
                return side
        if self._due.is_split and not self._late:
            return self._side_by_value()
        if not self._late and self._holds_what_it_gets(today, after):
            return CustodianSide.APPLIED
        return None

    def _eve(self) -> dict[SecurityId, Decimal]:
        """Shares in the last file from before the event."""
        memory = self._prepared.raw.memory
        if memory.eve_of is None or memory.eve_of >= self._due.ex_on:
            return {}
        return {name: memory.eve[name] for name in self._due.names if name in memory.eve}

    def _after(self, shares: Shares) -> Shares:
        return applied_to(self._due, self._prepared.account_id, AccountLots((), shares))[0].shares

    def _side_by_value(self) -> CustodianSide:
        """By the custodian's own figures, which earlier events of the day are not in."""
        due = self._due
        told = [each for each in self._prepared.raw.positions if each.security_id == due.security_id]
        if due.close_before is None or not told:
            return CustodianSide.BEFORE
        quantity = sum((each.quantity for each in told), ZERO)
        value = sum((each.market_value for each in told), ZERO)
        return _SIDES[split_state(quantity, value, due.close_before, due.split_ratio)]

    def _holds_what_it_gets(self, today: Shares, after: Shares) -> bool:
        """Whether every security received is held already in the amount due: the custodian is early."""
        gets = [name for name in self._due.received if name != self._due.security_id]
        return bool(gets) and all(
            name in today and abs(today[name] - (after.get(name, ZERO) - today[name])) < A_FRACTION for name in gets
        )

    def _behind(self) -> Prepared:
        """The event took effect before anybody looked: what the file shows counts, unless it plainly lacks it."""
        gone = self._due.kind in (ActionKind.MRGR, ActionKind.REDM)
        gets = [name for name in self._due.received if name != self._due.security_id]
        lacks = gone or (gets and not self._prepared.held(gets))
        return self._not_booked() if lacks and self._held_before() else self._prepared

    def _held_before(self) -> bool:
        """Shares bought since the ex-date came without the event."""
        mine = [lot.acquired_on for lot in self._prepared.lots if lot.security_id == self._due.security_id]
        return not mine or min(mine) < self._due.ex_on

    # --- one that was ---------------------------------------------------------------------------------------------

    def _later_night(self, standing: StoredApplication) -> Prepared:
        restated = standing.version != self._due.version
        expected = self._after(standing.shares_before) if restated else standing.shares_after
        expected = self._with_later_events(expected)
        today = self._prepared.held({*self._due.names, *standing.shares_before, *standing.shares_after})
        if same_shares(standing.shares_before, expected) and not restated:
            side = CustodianSide.APPLIED if self._late else CustodianSide.BEFORE
        else:
            side = custodian_side(today, standing.shares_before, expected, self._traded)
        if restated:
            return self._restated(standing, side)
        match side:
            case CustodianSide.BEFORE:
                return self._again(expected)
            case CustodianSide.APPLIED:
                return self._reconciled(standing.after_hash, standing.booked_by)
            case CustodianSide.UNCLEAR:
                return self._doubt(self._unsynced_code(), "fits neither side of the custodian's shares")

    def _with_later_events(self, shares: Shares) -> Shares:
        """Shares that the custodian shows once it has booked later events of the same securities as well."""
        found = dict(shares)
        passed = False
        for due in self._run.findings.due:
            if passed and due.is_confirmed:
                later = standing_of(self._prepared.raw.memory.of(due.event_id))
                if later is not None and later.shares_before.keys() & found.keys():
                    found |= {name: later.shares_after.get(name, ZERO) for name in later.shares_before}
                    found |= later.shares_after
            passed = passed or due.event_id == self._due.event_id
        return {name: quantity for name, quantity in found.items() if quantity}

    def _again(self, expected: Shares) -> Prepared:
        """The custodian still shows the old shares: the event is counted once more from the raw file, and only once."""
        before = self._prepared.of(self._due.names)
        after, done = applied_to(self._due, self._prepared.account_id, before)
        counted = custodian_side(after.shares, {}, expected, self._traded)
        if counted is not CustodianSide.APPLIED and not self._has_later_events():
            return self._doubt(self._unsynced_code(), "was traded before the custodian booked it")
        return self._apply(before, after, done)

    def _has_later_events(self) -> bool:
        names = set(self._due.names)
        return any(
            each.event_id != self._due.event_id and each.is_confirmed and names & set(each.names)
            for each in self._run.findings.due
        )

    def _restated(self, standing: StoredApplication, side: CustodianSide) -> Prepared:
        """Another version: the old one is reversed, the new one applied to the lots from before both (case 40)."""
        self._prepared = self._prepared.booked(reversal_of(self._due, standing))
        traded = any(self._traded.values())
        if side is CustodianSide.BEFORE and not self._late and not traded:
            before = self._prepared.of(self._due.names)
            return self._apply(before, *applied_to(self._due, self._prepared.account_id, before))
        anew = self._booking(EventState.APPLIED, BookedBy.TRIMTAB, standing.before_hash, None)
        self._prepared = self._prepared.booked(anew)
        if side is CustodianSide.APPLIED:
            return self._prepared
        code = DataCode.CA_RESTATED if traded else DataCode.CA_UNSYNCED
        return self._doubt(code, "was restated, and the custodian does not show its new terms yet")

    def _reversed(self) -> Prepared:
        """A cancelled event: what was booked is taken back, and the account waits for its custodian (case 37)."""
        booked = [row for row in self._memory if row.state in _BOOKED]
        if not booked or self._is_back():
            return self._prepared
        last = next((row for row in reversed(booked) if row.state is EventState.APPLIED), booked[-1])
        if self._standing is not None:
            self._prepared = self._prepared.booked(reversal_of(self._due, self._standing))
        if not self._shows_old_shares(last):
            return self._doubt(DataCode.CA_UNSYNCED, "was cancelled, and the custodian still shows it")
        if self._due.version == last.version:
            return self._prepared
        back = self._booking(EventState.REVERSED, BookedBy.CUSTODIAN, last.after_hash, last.before_hash)
        return self._prepared.booked(back)

    def _is_back(self) -> bool:
        """Whether the custodian has shown the old shares once."""
        mine = [row for row in self._memory if row.version == self._due.version]
        return bool(mine) and all(row.state is EventState.REVERSED for row in mine)

    def _shows_old_shares(self, last: StoredApplication) -> bool:
        today = self._prepared.held({*self._due.names, *last.shares_before, *last.shares_after})
        if not last.shares_before:  # the custodian was first, and nobody knows what it held
            return custodian_side(today, {}, last.shares_after, self._traded) is not CustodianSide.APPLIED
        side = custodian_side(today, last.shares_after, last.shares_before, self._traded)
        return side is CustodianSide.APPLIED

    # --- what comes of it -----------------------------------------------------------------------------------------

    def _apply(self, before: AccountLots, after: AccountLots, done: AccountChange) -> Prepared:
        if self._pays_no_fraction(before.shares, after.shares):
            return self._doubt(DataCode.CA_INCOMPLETE, "leaves a fraction, and nobody says what is paid for it")
        prices = self._run.market.prices
        prepared = with_event(self._prepared, self._due, after, done, prices, pays=not self._late)
        known = {(row.version, row.state) for row in self._memory}
        if (self._due.version, EventState.APPLIED) not in known:
            booking = self._booking(EventState.APPLIED, BookedBy.TRIMTAB, before, after)
            prepared = prepared.booked(replace(booking, cash=done.cash, income=done.income, gain=done.gain))
        self._prepared = prepared
        moved = not same_shares(before.shares, after.shares)
        return self._not_booked() if self._late and moved else prepared

    def _reconciled(self, before: AccountLots | str, by: BookedBy) -> Prepared:
        """The custodian's file shows the event: its lots count."""
        today = self._prepared.of({*self._due.names})
        return self._prepared.booked(self._booking(EventState.RECONCILED, by, before, today))

    def _pays_no_fraction(self, before: Shares, after: Shares) -> bool:
        """Case 32: a reverse split that makes a fraction of whole shares comes with cash for it."""
        due = self._due
        security = self._run.market.securities.get(due.security_id)
        if due.kind is not ActionKind.SPLR or due.first.cash_per_share is not None:
            return False
        makes = _fraction(after.get(due.security_id, ZERO)) and not _fraction(before.get(due.security_id, ZERO))
        return bool(makes) and security is not None and security.whole_shares

    def _booking(
        self, state: EventState, by: BookedBy, before: AccountLots | str, after: AccountLots | str | None
    ) -> Booking:
        return Booking(self._due, self._due.version, self._due.terms_hash, state, by, before, after)

    def _not_booked(self) -> Prepared:
        return self._doubt(DataCode.CA_UNSYNCED, "is not booked by the custodian yet")

    def _unsynced_code(self) -> DataCode:
        """CA_RESTATED for an account that traded on a version that was taken back (case 40)."""
        taken_back = any(row.state is EventState.REVERSED for row in self._memory)
        return DataCode.CA_RESTATED if taken_back and any(self._traded.values()) else DataCode.CA_UNSYNCED

    def _doubt(self, code: DataCode, what: str) -> Prepared:
        due = self._due
        return self._prepared.doubted(code, f"{due.event_id} ({due.kind}) of {due.security_id} {what}")


def standing_of(memory: Sequence[StoredApplication]) -> StoredApplication | None:
    """The version that counts in the account: applied or booked, and not reversed since."""
    taken_back = {row.version for row in memory if row.state is EventState.REVERSED}
    booked = [row for row in memory if row.state in _BOOKED and row.version not in taken_back]
    return next((row for row in booked if row.state is EventState.APPLIED), booked[-1] if booked else None)


def _fraction(quantity: Decimal) -> Decimal:
    return quantity - quantity.to_integral_value(ROUND_FLOOR)
