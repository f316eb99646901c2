"""The rules beside the table: four eyes, second approvals, acting on behalf, own items, scopes, firm tables."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.auth.policy_cases import (
    NOW,
    a_person,
    a_proposal,
    an_administrator_acting,
    an_integrator,
)
from trimtab.auth.policy import (
    LIFT_SUSPENSION,
    MATRIX,
    Act,
    ActRequired,
    Allowed,
    Cell,
    DenialReason,
    Denied,
    InvalidPolicyTable,
    InvalidPrincipal,
    NotPermitted,
    Operation,
    OwnBook,
    PolicyTable,
    Role,
    Subject,
    SuspensionReason,
    WholeFirm,
    decide,
    decide_approval,
    natural_act,
    reach,
    require,
)

ANN = "ann"
SOMEBODY = Subject(firm_id="firm-a", advisor_id="advisor-1")


def the_reason(principal, operation, subject, act=None, table=MATRIX):
    answer = decide(principal, operation, subject, now=NOW, act=act, table=table)
    assert isinstance(answer, Denied)
    return answer.reason


# Four eyes


@pytest.mark.parametrize("operation", list(Operation), ids=lambda operation: operation.name)
def test_nobody_verifies_what_they_proposed_whatever_roles_they_hold(operation: Operation):
    everything = a_person(*(set(Role) - {Role.INTEGRATOR}), book="advisor-1")
    own = replace(a_proposal(frozenset({ANN, "bob"})), approved_by=frozenset({"cid"}), about_person="dan")
    assert isinstance(decide(everything, operation, own, now=NOW, act=Act.VERIFY), Denied)


def test_an_overlay_manager_who_edited_the_proposal_may_not_approve_it():
    manager = a_person(Role.OVERLAY_MANAGER, Role.COMPLIANCE)
    edited = a_proposal(proposed_by=frozenset({ANN}))
    assert the_reason(manager, Operation.APPROVE_TRADES, edited) is DenialReason.SELF_APPROVAL


def test_a_proposal_that_only_the_system_made_needs_one_person():
    manager = a_person(Role.OVERLAY_MANAGER)
    answer = decide(manager, Operation.APPROVE_TRADES, a_proposal(proposed_by=frozenset()), now=NOW)
    assert answer == Allowed(Role.OVERLAY_MANAGER)


def test_a_proposal_whose_proposers_are_not_known_cannot_be_approved():
    manager = a_person(Role.OVERLAY_MANAGER)
    unknown = a_proposal(proposed_by=None)
    assert the_reason(manager, Operation.APPROVE_TRADES, unknown) is DenialReason.PROPOSER_UNKNOWN


def test_an_advisor_does_not_approve_a_non_discretionary_proposal_of_their_own():
    advisor = a_person(Role.ADVISOR, book="advisor-1")
    own = a_proposal(proposed_by=frozenset({ANN}))
    assert the_reason(advisor, Operation.APPROVE_NON_DISCRETIONARY, own) is DenialReason.SELF_APPROVAL


def test_the_administrator_behind_an_on_behalf_proposal_counts_as_proposer():
    proposer = a_person(Role.POLICY_COMMITTEE, person_id="ivy", actor=an_administrator_acting(ANN))
    assert proposer.persons == {"ivy", ANN}
    later = a_person(Role.COMPLIANCE)
    limits = replace(SOMEBODY, proposed_by=proposer.persons)
    refusal = the_reason(later, Operation.SET_CUSTOMISATION_LIMITS, limits, Act.VERIFY)
    assert refusal is DenialReason.SELF_APPROVAL


def test_an_administrator_who_proposed_may_not_approve_as_somebody_else():
    approver = a_person(Role.COMPLIANCE, person_id="cora", actor=an_administrator_acting("root"))
    limits = replace(SOMEBODY, proposed_by=frozenset({"ivy", "root"}))
    refusal = the_reason(approver, Operation.SET_CUSTOMISATION_LIMITS, limits, Act.VERIFY)
    assert refusal is DenialReason.SELF_APPROVAL


# Approvals up to and above the limit


def test_up_to_the_limit_one_approval_of_the_overlay_manager_holds():
    answer = decide_approval(a_person(Role.OVERLAY_MANAGER), a_proposal(), above_limit=False, now=NOW)
    assert answer == Allowed(Role.OVERLAY_MANAGER, further_approvals=0)


def test_above_the_limit_the_first_approval_leaves_one_more():
    answer = decide_approval(a_person(Role.OVERLAY_MANAGER), a_proposal(), above_limit=True, now=NOW)
    assert answer == Allowed(Role.OVERLAY_MANAGER, further_approvals=1)


@pytest.mark.parametrize("role", [Role.OVERLAY_MANAGER, Role.COMPLIANCE])
def test_above_the_limit_a_second_person_completes_it(role: Role):
    once = a_proposal(approved_by=frozenset({"oscar"}))
    assert decide_approval(a_person(role), once, above_limit=True, now=NOW) == Allowed(role)


def test_the_same_person_does_not_approve_twice():
    once = a_proposal(approved_by=frozenset({ANN}))
    manager = a_person(Role.OVERLAY_MANAGER, Role.COMPLIANCE)
    answer = decide_approval(manager, once, above_limit=True, now=NOW)
    assert answer == Denied(DenialReason.SAME_APPROVER)


def test_compliance_alone_cannot_start_the_approval_of_trades_above_the_limit():
    officer = a_person(Role.COMPLIANCE)
    assert decide_approval(officer, a_proposal(), above_limit=True, now=NOW) == Denied(DenialReason.NOT_PERMITTED)
    row_17 = the_reason(officer, Operation.APPROVE_TRADES_ABOVE_LIMIT, a_proposal())
    assert row_17 is DenialReason.FIRST_APPROVAL_MISSING


# On behalf


@pytest.mark.parametrize(
    "actor",
    [
        an_administrator_acting(reason="  "),
        an_administrator_acting(minutes=16),
        an_administrator_acting(firm_id="firm-b"),
        an_administrator_acting(person_id=ANN),
        an_administrator_acting(roles=frozenset({Role.MANAGEMENT})),
        an_administrator_acting(active=False),
    ],
    ids=["no reason", "16 minutes", "other firm", "oneself", "no administrator", "disabled"],
)
def test_a_delegation_that_breaks_a_rule_gives_nothing(actor):
    acting = a_person(Role.OVERLAY_MANAGER, actor=actor)
    assert the_reason(acting, Operation.SUSPEND_ACCOUNT, SOMEBODY) is DenialReason.ON_BEHALF_INVALID


@pytest.mark.parametrize("started", [NOW - timedelta(minutes=15), NOW + timedelta(seconds=1)])
def test_a_delegation_holds_only_between_its_start_and_its_end(started):
    acting = a_person(Role.OVERLAY_MANAGER, actor=an_administrator_acting(started_at=started))
    assert the_reason(acting, Operation.SUSPEND_ACCOUNT, SOMEBODY) is DenialReason.ON_BEHALF_EXPIRED


def test_an_administrator_acting_for_another_has_that_persons_cells_and_not_their_own():
    acting = a_person(Role.ADVISOR, book="advisor-1", actor=an_administrator_acting())
    assert isinstance(decide(acting, Operation.SUSPEND_ACCOUNT, SOMEBODY, now=NOW), Allowed)
    assert the_reason(acting, Operation.ENGAGE_KILL_SWITCH, SOMEBODY) is DenialReason.NOT_PERMITTED


def test_a_firm_that_opens_approvals_to_on_behalf_still_needs_a_third_person_first():
    table = PolicyTable(on_behalf=frozenset({Operation.APPROVE_TRADES}))
    acting = a_person(Role.OVERLAY_MANAGER, actor=an_administrator_acting("root"))
    for approved_by in (frozenset(), frozenset({"root"})):
        alone = the_reason(acting, Operation.APPROVE_TRADES, a_proposal(approved_by=approved_by), table=table)
        assert alone is DenialReason.SECOND_APPROVER_NEEDED
    together = a_proposal(approved_by=frozenset({"oscar"}))
    assert isinstance(decide(acting, Operation.APPROVE_TRADES, together, now=NOW, table=table), Allowed)


# Books, roles, own items


def test_an_advisor_with_a_second_role_gets_the_union_of_both():
    both = a_person(Role.ADVISOR, Role.COMPLIANCE, book="advisor-1")
    elsewhere = replace(SOMEBODY, advisor_id="advisor-2")
    assert decide(both, Operation.SUSPEND_ACCOUNT, elsewhere, now=NOW) == Allowed(Role.COMPLIANCE)
    assert decide(both, Operation.RUN_ANALYSIS, SOMEBODY, now=NOW) == Allowed(Role.ADVISOR)
    assert the_reason(both, Operation.RUN_ANALYSIS, elsewhere) is DenialReason.OTHER_BOOK


@pytest.mark.parametrize("advisor_id", ["advisor-2", None])
def test_an_advisor_without_a_book_owns_nothing(advisor_id):
    bookless = a_person(Role.ADVISOR)
    subject = replace(SOMEBODY, advisor_id=advisor_id)
    assert the_reason(bookless, Operation.READ_ACCOUNT, subject) is DenialReason.OTHER_BOOK


def test_data_managers_retry_only_ingest_and_validate():
    manager = a_person(Role.DATA_MANAGER)
    for stage in ("ingest", "validate"):
        assert isinstance(decide(manager, Operation.RETRY_STEP, replace(SOMEBODY, stage=stage), now=NOW), Allowed)
    for stage in ("analyze", "trade", None):
        refusal = the_reason(manager, Operation.RETRY_STEP, replace(SOMEBODY, stage=stage))
        assert refusal is DenialReason.STAGE_NOT_PERMITTED
    overlay = a_person(Role.OVERLAY_MANAGER)
    trade = replace(SOMEBODY, stage="trade")
    assert isinstance(decide(overlay, Operation.RETRY_STEP, trade, now=NOW), Allowed)


def test_each_kind_of_suspension_is_lifted_by_its_own_row():
    assert [LIFT_SUSPENSION[kind].row for kind in SuspensionReason] == [22, 23, 24]


@pytest.mark.parametrize("act", [Act.PROPOSE, Act.VERIFY])
@pytest.mark.parametrize("about", ["ann", None])
def test_nobody_grants_roles_to_themselves_or_to_nobody(act, about):
    administrator = a_person(Role.ADMINISTRATOR)
    grant = replace(a_proposal(), about_person=about)
    assert the_reason(administrator, Operation.GRANT_ROLES, grant, act) is DenialReason.OWN_ROLES


def test_a_queue_is_worked_by_the_role_it_belongs_to():
    both = a_person(Role.ADVISOR, Role.ADMINISTRATOR)
    advisors, administrators, compliance = (
        replace(SOMEBODY, addressed_to=role) for role in (Role.ADVISOR, Role.ADMINISTRATOR, Role.COMPLIANCE)
    )
    assert isinstance(decide(both, Operation.WORK_QUEUE, advisors, now=NOW), Allowed)
    assert the_reason(both, Operation.WORK_QUEUE, administrators) is DenialReason.NOT_PERMITTED
    assert the_reason(both, Operation.WORK_QUEUE, compliance) is DenialReason.NOT_ADDRESSED
    assert the_reason(both, Operation.WORK_QUEUE, SOMEBODY) is DenialReason.NOT_ADDRESSED


def test_a_personal_filter_is_edited_only_by_its_owner():
    advisor = a_person(Role.ADVISOR)
    mine, hers = replace(SOMEBODY, owner_id=ANN), replace(SOMEBODY, owner_id="eve")
    assert isinstance(decide(advisor, Operation.EDIT_PERSONAL_FILTER, mine, now=NOW), Allowed)
    assert the_reason(advisor, Operation.EDIT_PERSONAL_FILTER, hers) is DenialReason.NOT_OWN_ITEM


def test_an_integrator_needs_the_scope_of_the_row():
    reader = an_integrator(scopes=frozenset({"accounts:read"}))
    assert isinstance(decide(reader, Operation.READ_ACCOUNT, SOMEBODY, now=NOW), Allowed)
    assert the_reason(reader, Operation.SUBSCRIBE_TO_EVENTS, SOMEBODY) is DenialReason.SCOPE_MISSING
    assert the_reason(reader, Operation.SUSPEND_ACCOUNT, SOMEBODY) is DenialReason.NOT_PERMITTED


# Lists


def test_a_list_reaches_the_book_of_an_advisor_and_the_firm_of_others():
    advisor = a_person(Role.ADVISOR, book="advisor-1")
    officer = a_person(Role.COMPLIANCE)
    administrator = a_person(Role.ADMINISTRATOR)
    assert reach(advisor, Operation.READ_ACCOUNT, now=NOW) == OwnBook("advisor-1")
    assert reach(officer, Operation.READ_ACCOUNT, now=NOW) == WholeFirm()
    assert reach(administrator, Operation.READ_ACCOUNT, now=NOW) == Denied(DenialReason.NOT_PERMITTED)
    assert reach(None, Operation.READ_ACCOUNT, now=NOW) == Denied(DenialReason.UNAUTHENTICATED)
    assert reach(a_person(Role.ADVISOR), Operation.READ_ACCOUNT, now=NOW) == Denied(DenialReason.OTHER_BOOK)


# Calling it


def test_a_row_with_proposals_must_be_asked_with_an_act():
    with pytest.raises(ActRequired):
        decide(a_person(Role.MANAGEMENT), Operation.SET_TRADING_LIMITS, SOMEBODY, now=NOW)


def test_the_natural_act_of_a_row_is_to_verify_to_read_or_to_do():
    assert natural_act(Operation.APPROVE_TRADES) is Act.VERIFY
    assert natural_act(Operation.READ_AUDIT_LOG) is Act.READ
    assert natural_act(Operation.SUSPEND_ACCOUNT) is Act.DO


def test_require_raises_with_the_reason():
    with pytest.raises(NotPermitted) as refused:
        require(a_person(Role.MANAGEMENT), Operation.APPROVE_TRADES, a_proposal(), now=NOW)
    assert refused.value.reason is DenialReason.NOT_PERMITTED
    allowed = require(a_person(Role.OVERLAY_MANAGER), Operation.APPROVE_TRADES, a_proposal(), now=NOW)
    assert allowed.role is Role.OVERLAY_MANAGER


def test_principals_that_nobody_can_be_are_refused():
    with pytest.raises(InvalidPrincipal):
        a_person(Role.INTEGRATOR)
    with pytest.raises(InvalidPrincipal):
        replace(an_integrator(), roles=frozenset({Role.OVERLAY_MANAGER}))
    with pytest.raises(InvalidPrincipal):
        a_person(Role.ADVISOR, expires_at=NOW.replace(tzinfo=None))


# A firm's own table


def test_a_firm_may_let_advisors_approve_in_their_own_book_but_never_their_own_proposals():
    table = MATRIX.with_cells({(Operation.APPROVE_TRADES, Role.ADVISOR): Cell.OWN | Cell.VERIFY})
    advisor = a_person(Role.ADVISOR, book="advisor-1")
    assert isinstance(decide(advisor, Operation.APPROVE_TRADES, a_proposal(), now=NOW, table=table), Allowed)
    other_book = a_proposal(advisor_id="advisor-2")
    assert the_reason(advisor, Operation.APPROVE_TRADES, other_book, table=table) is DenialReason.OTHER_BOOK
    own = a_proposal(proposed_by=frozenset({ANN}))
    assert the_reason(advisor, Operation.APPROVE_TRADES, own, table=table) is DenialReason.SELF_APPROVAL


@pytest.mark.parametrize(
    ("operation", "role", "cell"),
    [
        (Operation.APPROVE_BY_SIGNAL, Role.OVERLAY_MANAGER, Cell.ALLOWED),
        (Operation.APPROVE_TRADES, Role.INTEGRATOR, Cell.VERIFY),
    ],
)
def test_no_table_lets_a_signal_or_a_machine_approve(operation, role, cell):
    with pytest.raises(InvalidPolicyTable):
        MATRIX.with_cells({(operation, role): cell})


def test_no_table_opens_other_starred_rows_to_acting_on_behalf():
    with pytest.raises(InvalidPolicyTable):
        PolicyTable(on_behalf=frozenset({Operation.GRANT_ROLES}))
