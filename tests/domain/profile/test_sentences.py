"""Every setting is one exact English sentence, which reads back as the same setting (N19)."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trimtab.domain.profile.errors import UnknownSentence, WrongValue
from trimtab.domain.profile.registry import LANGUAGE
from trimtab.domain.profile.slots import Slot, SlotKind
from trimtab.domain.profile.statements import Group, Setting, Statement
from trimtab.domain.records import decimal_text

_STEPS = {SlotKind.PERCENT: 6, SlotKind.DOLLARS: 2, SlotKind.COUNT: 0}


def stored_values(slot: Slot) -> st.SearchStrategy[str]:
    """Whatever may stand in the gap."""
    match slot.kind:
        case SlotKind.PERCENT | SlotKind.DOLLARS | SlotKind.COUNT:
            return st.decimals(slot.low, slot.high, places=_STEPS[slot.kind]).map(decimal_text)
        case SlotKind.DATE:
            return st.dates(date(1900, 1, 1), date(2199, 12, 31)).map(date.isoformat)
        case SlotKind.CHOICE:
            return st.sampled_from(sorted(slot.words))
        case _:
            return st.from_regex(slot.pattern, fullmatch=True).filter(lambda text: len(text) <= 80)


def statements(setting: Setting) -> st.SearchStrategy[Statement]:
    def of_form(form: str) -> st.SearchStrategy[Statement]:
        values = st.fixed_dictionaries({name: stored_values(setting.slot[name]) for name in setting.gaps(form)})
        return values.map(lambda each: _ordered(Statement(setting.key, form, each)))

    return st.one_of([of_form(form) for form in sorted(setting.forms)])


def _ordered(statement: Statement) -> Statement:
    """With bounds that do not cross."""
    values = dict(statement.values)
    for low, high in (("low", "high"), ("december", "january")):
        if low in values:
            values[low], values[high] = sorted((values[low], values[high]), key=Decimal)
    if "start" in values:
        values["start"], values["end"] = sorted((values["start"], values["end"]))
    return Statement(statement.key, statement.form, values)


STATEMENTS = st.one_of([statements(setting) for setting in LANGUAGE])
"""Made once: reading the patterns of the gaps anew for each example takes longer than the example."""


@pytest.mark.covers("N19")
@given(STATEMENTS)
def test_every_setting_reads_back_from_its_sentence(statement: Statement):
    sentence = LANGUAGE.render(statement)

    assert LANGUAGE.parse(sentence) == statement
    assert LANGUAGE.render(LANGUAGE.parse(sentence)) == sentence


@pytest.mark.parametrize("setting", list(LANGUAGE), ids=lambda setting: setting.key)
@pytest.mark.covers("N19")
def test_no_sentence_is_understood_by_two_settings(setting: Setting):
    for form in setting.forms:
        example = Statement(setting.key, form, {name: _example(setting.slot[name]) for name in setting.gaps(form)})
        sentence = setting.render(example)
        assert [other.key for other in LANGUAGE if other.match(sentence) is not None] == [setting.key]


def _example(slot: Slot) -> str:
    match slot.kind:
        case SlotKind.PERCENT | SlotKind.DOLLARS | SlotKind.COUNT:
            return decimal_text(slot.high)
        case SlotKind.DATE:
            return "2026-12-31"
        case SlotKind.CHOICE:
            return min(slot.words)
        case _:
            return "Energy"


@pytest.mark.covers("X1")
def test_the_profile_has_the_twelve_groups_and_each_has_a_setting():
    assert len(Group) == 12
    assert {setting.group for setting in LANGUAGE} == set(Group)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("keep 2.5% in cash", "Keep 2.5 % in cash."),
        ("Hold  back $12500.50 that must not be invested.", "Hold back $12,500.50 that must not be invested."),
        ("Never buy IBM", "Never buy IBM."),
        ("Note: calls on Fridays; 5% rule", "Note: calls on Fridays; 5% rule"),
    ],
)
def test_small_slips_of_the_pen_are_forgiven(typed: str, meant: str):
    assert LANGUAGE.render(LANGUAGE.parse(typed)) == meant


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("Keep 80 % in cash.", "cash_target: weight is 80 %, and may be 0 % to 50 %"),
        ("Hold 20 % to 10 % of IBM.", "security_bounds: low is above high: swap the two"),
        ("Hold at most 0 securities.", "maximum_names: count is 0, and may be 1 to 5,000"),
        ("Do not trade before 2026-02-30.", "pause: date is '2026-02-30', which is no date"),
        ("Make no trade below $10.005, unless it closes a position.", "minimum_trade: amount is 10.005, finer than"),
        (
            "Harvest losses of 5 % of basis in January, falling to 20 % by December.",
            "harvest_season: december is above january",
        ),
    ],
)
@pytest.mark.covers("X12")
def test_an_invalid_setting_names_its_rule_and_the_way_out(sentence: str, said: str):
    with pytest.raises(WrongValue) as wrong:
        LANGUAGE.parse(sentence)
    assert said in str(wrong.value)


@pytest.mark.covers("X12")
def test_a_sentence_that_nobody_understands_gets_the_nearest_one():
    with pytest.raises(UnknownSentence, match=r"the nearest is 'Keep \{weight\} in cash\.'"):
        LANGUAGE.parse("Keep a lot in cash.")


def test_a_value_is_checked_like_a_sentence():
    with pytest.raises(WrongValue, match="cash_target needs weight"):
        LANGUAGE.checked(Statement("cash_target", values={"amount": "5"}))
    with pytest.raises(WrongValue, match="which is no number"):
        LANGUAGE.checked(Statement("cash_target", values={"weight": "NaN"}))
    with pytest.raises(UnknownSentence, match="did you mean cash_target"):
        LANGUAGE.checked(Statement("cash_targets"))


def test_a_name_with_two_spaces_in_a_row_is_refused_since_its_sentence_would_read_back_with_one():
    setting = next(each for each in LANGUAGE if each.key == "sector_bounds")

    with pytest.raises(WrongValue):
        setting.slot["sector"].checked("Real  Estate")
    assert setting.slot["sector"].checked("Real Estate") == "Real Estate"
