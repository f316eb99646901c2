"""A filter's English is exact: the sentence is read back as the filter."""

from random import Random

import pytest
from hypothesis import given, settings

from tests.domain.filter_trees import ALL_FIELDS, SEEDS, a_row, a_tree
from trimtab.domain.fact_fields import FIELDS
from trimtab.domain.filter_answers import matches
from trimtab.domain.filter_json import json_of
from trimtab.domain.filter_reading import plain_tree, read_sentence
from trimtab.domain.filter_sentences import sentence
from trimtab.domain.filters import FilterError, FilterTooLarge, parse_filter
from trimtab.domain.firm_filters import DEFAULT_FIRM_FILTERS


@settings(max_examples=500, deadline=None)
@given(random=SEEDS)
def test_every_filter_is_read_back_from_its_sentence(random: Random) -> None:
    tree = a_tree(random)
    assert read_sentence(sentence(tree), ALL_FIELDS) == plain_tree(tree)
    assert parse_filter(json_of(tree), ALL_FIELDS) == tree


@settings(max_examples=300, deadline=None)
@given(random=SEEDS)
def test_what_is_read_wants_the_same_accounts(random: Random) -> None:
    tree, row = a_tree(random), a_row(random)
    assert matches(plain_tree(tree), row) is matches(tree, row)


def test_the_firms_own_filters_are_read_back() -> None:
    for key, value in DEFAULT_FIRM_FILTERS.items():
        tree = parse_filter(value)
        assert read_sentence(sentence(tree)) == plain_tree(tree), key


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("The turnover is at most 5 %.", "begins with"),
        ("The account is wanted when the turnover is at most 5 bp.", "a number of fraction is expected"),
        ("The account is wanted when the shoe size is 45.", "a field is expected"),
        ("The account is wanted when the tier is GOLD and the tier is A or the tier is B.", "or brackets"),
        ("The account is wanted when not (the tier is GOLD.", "a closing bracket is expected"),
        ("The account is wanted when the standing is HAPPY.", "is one of OPEN, CLOSING, CLOSED"),
        ("The account is wanted when the tier resembles GOLD.", "a comparison of tier"),
    ],
)
def test_a_sentence_that_cannot_be_read_says_where(text: str, problem: str) -> None:
    with pytest.raises(FilterError, match=problem):
        read_sentence(text)


def test_brackets_without_end_are_refused_by_their_depth() -> None:
    deep = "The account is wanted when " + "not (" * 7 + "the account is suspended" + ")" * 7 + "."
    with pytest.raises(FilterTooLarge):
        read_sentence(deep)


def test_no_two_fields_have_one_label_and_there_are_more_than_eighty() -> None:
    assert len({field.label for field in FIELDS.values()}) == len(FIELDS) >= 80
