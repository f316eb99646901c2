"""Who may lift which suspension, and when."""

from datetime import date

import pytest

from trimtab.domain.suspensions import (
    LiftingRole,
    LiftRefusal,
    Suspension,
    SuspensionCode,
    SuspensionKind,
    SuspensionScope,
    UnknownSuspension,
    delivered_suspension,
    kind_of,
    refuse_lifting,
)

DAY = date(2026, 3, 3)


def a_suspension(kind: SuspensionKind, code: str) -> Suspension:
    return Suspension(SuspensionScope.ACCOUNT, "A1", kind, code, "why", DAY, "trimtab")


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        pytest.param("CLOSING", SuspensionKind.STANDING, marks=pytest.mark.covers("W-C2")),
        pytest.param("FLOW_EXPECTED", SuspensionKind.ADVISOR, marks=pytest.mark.covers("W-C3")),
        pytest.param("PAPERWORK", SuspensionKind.COMPLIANCE, marks=pytest.mark.covers("W-C4")),
        pytest.param("COMPLIANCE", SuspensionKind.COMPLIANCE, marks=pytest.mark.covers("W-C5")),
        ("ADVISOR", SuspensionKind.ADVISOR),
    ],
)
def test_the_accounts_feed_suspends_with_a_reason(word: str, kind: SuspensionKind) -> None:
    suspension = delivered_suspension("A1", word, "large deposit", DAY)
    assert suspension is not None
    assert (suspension.kind, suspension.code, suspension.reason) == (kind, word, "large deposit")
    assert suspension.cleared_by
    assert kind_of(word) is kind


def test_an_empty_word_is_no_suspension_and_an_unknown_one_is_an_error() -> None:
    assert delivered_suspension("A1", "", "", DAY) is None
    with pytest.raises(UnknownSuspension, match="'HOLIDAY'"):
        delivered_suspension("A1", "HOLIDAY", "", DAY)
    unexplained = delivered_suspension("A1", "PAPERWORK", "", DAY)
    assert unexplained is not None
    assert unexplained.reason == "PAPERWORK"


@pytest.mark.parametrize(
    ("kind", "roles"),
    [
        (SuspensionKind.DATA, {"data_manager"}),
        (SuspensionKind.COMPLIANCE, {"compliance"}),
        (SuspensionKind.ADVISOR, {"advisor", "compliance"}),
        (SuspensionKind.STANDING, set()),
    ],
)
def test_only_the_right_role_lifts_a_suspension(kind: SuspensionKind, roles: set[str]) -> None:
    code = {SuspensionKind.DATA: "PRICE_ZERO"}.get(kind, SuspensionCode.COMPLIANCE)
    suspension = a_suspension(kind, code)
    every = {role.value for role in LiftingRole} | {"overlay_manager", "administrator"}
    allowed = {role for role in every if refuse_lifting(suspension, {role}) is None}
    assert allowed == roles
    assert refuse_lifting(suspension, set()) is LiftRefusal.WRONG_ROLE


@pytest.mark.covers("W-C1")
def test_a_data_suspension_is_lifted_on_a_clean_input_only() -> None:
    suspension = a_suspension(SuspensionKind.DATA, "LOT_MISMATCH")
    assert kind_of("LOT_MISMATCH") is SuspensionKind.DATA
    assert refuse_lifting(suspension, {"data_manager"}, ["LOT_MISMATCH"]) is LiftRefusal.STILL_FAULTY
    assert refuse_lifting(suspension, {"data_manager"}, ["CASH_NEGATIVE"]) is None
    assert "without the fault" in suspension.cleared_by
