"""Any two faults of the catalogue at once: nobody concerned goes on, nobody else is touched (X11)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domain.fault_pairs import FAULTS, FOLLOWS, a_night
from trimtab.domain.findings import PriceFaultPolicy
from trimtab.domain.lifecycle import TerminalState

ACCOUNTS = [f"A{place}" for place in range(1, 7)]

faults = st.tuples(st.sampled_from(sorted(FAULTS)), st.sampled_from(ACCOUNTS))


def check_pair(planted: list[tuple[str, str]]) -> None:
    """Raises AssertionError when a concerned account might trade, or when another one notices."""
    night = a_night()
    calm = night.judged(PriceFaultPolicy.SUSPEND)
    for case, who in planted:
        night = FAULTS[case](night, who)
    for account_id, (findings, judgement) in night.judged(PriceFaultPolicy.SUSPEND).items():
        planted_codes = night.concerned.get(account_id, frozenset())
        if not planted_codes:
            assert (findings, judgement) == calm[account_id], (account_id, planted)
            continue
        assert judgement.terminal is not None, (account_id, planted)
        state, code = judgement.terminal
        allowed = planted_codes.union(*(FOLLOWS.get(each, frozenset()) for each in planted_codes))
        assert state is TerminalState.SUSPENDED
        assert code in allowed, (account_id, code, planted)


def test_the_book_without_a_fault_has_no_findings() -> None:
    judged = a_night().judged(PriceFaultPolicy.SUSPEND)
    assert judged.keys() == set(ACCOUNTS)
    assert all(findings == () for findings, _ in judged.values())


@pytest.mark.parametrize("case", FAULTS)
def test_each_fault_alone_stops_whom_it_concerns_and_nobody_else(case: str) -> None:
    for who in ACCOUNTS:
        check_pair([(case, who)])


@pytest.mark.covers("X11")
@settings(max_examples=500, deadline=None)
@given(first=faults, second=faults)
def test_two_faults_stop_whom_they_concern_and_nobody_else(first: tuple[str, str], second: tuple[str, str]) -> None:
    check_pair([first, second])


@settings(max_examples=200, deadline=None)
@given(case=st.sampled_from(["01", "03", "06", "07", "10", "11", "27", "85"]), who=st.sampled_from(ACCOUNTS))
def test_frozen_instead_only_the_security_stands_still(case: str, who: str) -> None:
    """N13: with the firm's policy FREEZE a fault of one security suspends nobody for holding it."""
    calm, night = a_night(), FAULTS[case](a_night(), who)
    for account_id, (findings, judgement) in night.judged(PriceFaultPolicy.FREEZE).items():
        codes = night.concerned.get(account_id, frozenset())
        if "MODEL_COVERAGE" in codes:  # its model wants more than 5 % of what cannot be bought
            assert judgement.terminal == (TerminalState.SUSPENDED, "MODEL_COVERAGE")
        elif codes:
            assert (judgement.terminal, set(judgement.frozen.values())) == (None, codes)
        else:
            assert findings == calm.judged(PriceFaultPolicy.FREEZE)[account_id][0]
