"""A firm's own fields: what may be defined, what is a value of which type, and how filters see them."""

from typing import Any

import pytest

from tests.domain.filter_trees import ALL_FIELDS, OWN_FIELDS
from trimtab.domain.account_facts import AccountFacts
from trimtab.domain.ancillary import (
    AncillaryError,
    AncillaryField,
    AncillaryType,
    EnteredBy,
    facts_of_values,
    field_sentence,
    read_value,
    require_sound_field,
    value_differences,
)
from trimtab.domain.fact_fields import Unit
from trimtab.domain.filter_answers import matches
from trimtab.domain.filter_reading import read_sentence
from trimtab.domain.filters import FilterError, UnknownField, parse_filter


def a_field(**changes: Any) -> AncillaryField:
    given: dict[str, Any] = {
        "name": "risk_score",
        "label": "risk points",
        "type": AncillaryType.NUMBER,
        "entered_by": EnteredBy.FEED,
    }
    return AncillaryField(**{**given, **changes})


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "Risk Score"}, "a name is 1 to 40 small letters"),
        ({"label": "turnover"}, "another field is called turnover"),
        ({"label": "risk score"}, "another field is called risk score"),
        ({"label": "risk and return"}, "none of them and, do, hold"),
        ({"type": AncillaryType.CHOICE}, "a choice has words to choose from"),
        ({"choices": ("A",)}, "a choice has words to choose from"),
        ({"type": AncillaryType.CHOICE, "choices": ("A", "A")}, "each once"),
        ({"type": AncillaryType.TEXT, "unit": Unit.DOLLARS}, "only a number has a unit"),
    ],
)
def test_what_filters_could_not_tell_apart_is_no_field(changes: dict[str, Any], problem: str) -> None:
    others = {name: each for name, each in OWN_FIELDS.items() if name != "risk_score"}
    others["other"] = a_field(name="other", label="risk score")
    with pytest.raises(AncillaryError, match=problem):
        require_sound_field(a_field(**changes), others)


def test_a_field_may_get_another_label_and_retire_and_keeps_its_type() -> None:
    before = {"risk_score": a_field()}
    require_sound_field(a_field(label="score of the questionnaire", retired=True), before)
    with pytest.raises(AncillaryError, match="keeps its type"):
        require_sound_field(a_field(type=AncillaryType.TEXT), before)


@pytest.mark.parametrize(
    ("name", "text", "kept"),
    [
        ("risk_score", "7.50", "7.5"),
        ("outside_assets", "1250000", "1250000"),
        ("client_since", "2019-07-01", "2019-07-01"),
        ("region", "Far East", "Far East"),
        ("agreement", "A-17/3", "A-17/3"),
        ("watched", "Yes", True),
        ("watched", "no", False),
    ],
)
def test_a_value_is_kept_by_its_type(name: str, text: str, kept: object) -> None:
    assert read_value(OWN_FIELDS[name], text) == kept


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("risk_score", "high", "risk score is a number of at most 15 digits"),
        ("risk_score", "1e9", "risk score is a number"),
        ("client_since", "01/07/2019", "client since is a date such as 2026-03-31"),
        ("region", "South", "region is one of North, Far East, not 'South'"),
        ("watched", "maybe", "watched is yes or no"),
        ("agreement", "x" * 201, "a text of 1 to 200 characters"),
        ("agreement", "a\x00b", "a text of 1 to 200 characters"),
    ],
)
def test_a_value_of_another_type_is_refused(name: str, text: str, problem: str) -> None:
    with pytest.raises(AncillaryError, match=problem):
        read_value(OWN_FIELDS[name], text)


@pytest.mark.covers("D21")
def test_a_filter_asks_own_fields_like_any_other() -> None:
    """A relationship group since 2019 with $2,000,000 elsewhere, in one sentence with a field of everybody."""
    stored: dict[str, str | bool] = {"client_since": "2019-07-01", "outside_assets": "2000000", "watched": False}
    facts = AccountFacts("A1", tier="PLATINUM", ancillary=facts_of_values(OWN_FIELDS, stored))
    tree = read_sentence(
        "The account is wanted when the client since is before 2020-01-01 and the outside assets is above $1,500,000"
        " and the account is not watched and the tier is PLATINUM and the region is unknown.",
        ALL_FIELDS,
    )
    assert matches(tree, facts)
    later = read_sentence("The account is wanted when the client since is not before 2020-01-01.", ALL_FIELDS)
    assert not matches(later, facts)


def test_another_firms_field_is_unknown_to_this_one() -> None:
    rule = {"combinator": "and", "rules": [{"field": "own.risk_score", "operator": ">", "value": 5}]}
    assert parse_filter(rule, ALL_FIELDS)
    with pytest.raises(UnknownField, match=r"there is no field 'own.risk_score'"):
        parse_filter(rule)
    wrong = {"combinator": "and", "rules": [{"field": "own.client_since", "operator": "<", "value": "soon"}]}
    with pytest.raises(FilterError, match="needs a date such as 2026-03-31"):
        parse_filter(wrong, ALL_FIELDS)


def test_a_retired_field_is_unknown_to_filters() -> None:
    retired = {"risk_score": a_field(retired=True)}
    assert facts_of_values(retired, {"risk_score": "9"}) == {}


def test_definitions_and_changes_of_values_are_told_in_english() -> None:
    assert field_sentence(OWN_FIELDS["outside_assets"]) == "Outside assets: a number of dollars, from a file."
    assert field_sentence(OWN_FIELDS["region"]) == "Region: one of North, Far East, entered by people."
    told = value_differences(OWN_FIELDS, {"watched": True, "region": "North"}, {"watched": False, "risk_score": "7"})
    assert told == (
        "The region was North and is unknown.",
        "The risk score was unknown and is 7.",
        "The watched was yes and is no.",
    )
