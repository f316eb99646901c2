"""Reading a filter back from its English sentence: what a person confirms is what is kept.

The grammar is that of `filter_sentences`. Brackets tell groups apart; a group of one rule needs none, so it is read as
the rule itself (`plain_tree`), and "the account is not X" is read as "X is false".
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Final, TypeVar

from trimtab.domain.fact_fields import FIELDS, Field, FieldKind, Unit
from trimtab.domain.filter_json import json_of
from trimtab.domain.filter_sentences import PLAIN_WORD, START, verbs_of
from trimtab.domain.filters import (
    OPERATORS,
    Combinator,
    Fields,
    FilterTree,
    Group,
    MalformedFilter,
    Operator,
    Rule,
    RuleValue,
    parse_filter,
)

_NUMBER: Final = re.compile(r"(-?)(\$?)([\d,]+(?:\.\d+)?|[\d,]*\.\d+)( %| bp| days)?")
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
Bound = TypeVar("Bound")
_UNIT_SIGNS: Final = {
    Unit.DOLLARS: ("$", ""),
    Unit.FRACTION: ("", " %"),
    Unit.BASIS_POINTS: ("", " bp"),
    Unit.DAYS: ("", " days"),
}


def read_sentence(text: str, fields: Fields = FIELDS) -> FilterTree:
    """The filter that the sentence tells. Raises MalformedFilter with the place that cannot be read, or FilterError."""
    if not text.startswith(START) or not text.endswith("."):
        raise MalformedFilter("", f'a sentence begins with "{START.strip()}" and ends with a full stop')
    reader = _Reader(text[len(START) : -1], fields)
    tree = reader.group_until_end()
    return parse_filter(json_of(tree), fields)  # the same checks as for JSON: depth, size, words of the field


def plain_tree(tree: FilterTree) -> FilterTree:
    """The tree as its sentence is read: groups of one that change nothing are gone. It matches the same accounts."""
    plain = _plain(tree)
    return plain if isinstance(plain, Group) else Group(Combinator.AND, False, (plain,))


def _plain(node: Rule | Group) -> Rule | Group:
    if isinstance(node, Rule):
        refused = node.operator is Operator.NOT_EQUAL and isinstance(node.value, bool)
        return replace(node, operator=Operator.EQUAL, value=not node.value) if refused else node
    rules = tuple(_plain(child) for child in node.rules)
    if len(rules) > 1:
        return replace(node, rules=rules)
    return Group(Combinator.AND, True, rules) if node.negated else rules[0]


class _Reader:
    """Reads from left to right; `at` is the place of the next character."""

    def __init__(self, text: str, fields: Fields) -> None:
        self.text = text
        self.by_label = {each.label: each for each in sorted(fields.values(), key=lambda each: -len(each.label))}
        self.at = 0

    def group_until_end(self) -> Group:
        group = self._joined()
        if self.at != len(self.text):
            raise self._unread("and, or or the end")
        if len(group.rules) == 1 and isinstance(group.rules[0], Group):
            return group.rules[0]
        return group

    def _joined(self) -> Group:
        rules: list[Rule | Group] = [self._item()]
        combinator = Combinator.AND
        while True:
            found = next((each for each in Combinator if self._starts(f" {each.value} ")), None)
            if found is None:
                return Group(combinator, False, tuple(rules))
            if len(rules) > 1 and found is not combinator:
                raise self._unread(f"{combinator.value}, or brackets")
            combinator = found
            self._skip(f" {found.value} ")
            rules.append(self._item())

    def _item(self) -> Rule | Group:
        for opening, negated in (("not (", True), ("(", False)):
            if self._skip(opening):
                group = self._joined()
                if not self._skip(")"):
                    raise self._unread("a closing bracket")
                return replace(group, negated=negated)
        return self._rule()

    def _rule(self) -> Rule:
        if self._skip("the account is "):
            affirmed = not self._skip("not ")
            return Rule(self._field(FieldKind.BOOLEAN), Operator.EQUAL, affirmed)
        if not self._skip("the "):
            raise self._unread('"the" and a field')
        field = self._field(None)
        for operator, words in sorted(verbs_of(field).items(), key=lambda each: -len(each[1])):
            if operator in OPERATORS[field.kind] and self._skip(f" {words}"):
                return Rule(field, operator, self._value(field, operator))
        raise self._unread(f"a comparison of {field.label}")

    def _field(self, kind: FieldKind | None) -> Field:
        for label, field in self.by_label.items():
            if kind in (None, field.kind) and self._ends_after(label):
                self.at += len(label)
                return field
        raise self._unread("a field")

    def _value(self, field: Field, operator: Operator) -> RuleValue:
        if operator in (Operator.NULL, Operator.NOT_NULL):
            return None
        if operator in (Operator.BETWEEN, Operator.NOT_BETWEEN):
            if field.kind is FieldKind.DATE:
                return self._word(), self._after_and(self._word)
            return self._number(field), self._after_and(lambda: self._number(field))
        if field.kind is FieldKind.NUMBER:
            return self._number(field)
        words = [self._word()]
        while operator in (Operator.IN, Operator.NOT_IN) and self._skip(","):
            words.append(self._word())
        return tuple(words) if operator in (Operator.IN, Operator.NOT_IN) else words[0]

    def _after_and(self, read: Callable[[], Bound]) -> Bound:
        if not self._skip(" and"):
            raise self._unread("and")
        return read()

    def _number(self, field: Field) -> float:
        found = _NUMBER.match(self.text, self.at + 1) if self._starts(" ") else None
        signs = _UNIT_SIGNS.get(field.unit, ("", ""))
        if found is None or (found[2], found[4] or "") != signs:
            raise self._unread(f"a number of {field.unit or 'no unit'}")
        self.at = found.end()
        digits = Decimal(found[1] + found[3].replace(",", ""))
        return float(digits / 100 if field.unit is Unit.FRACTION else digits)

    def _word(self) -> str:
        if not self._skip(" "):
            raise self._unread("a word")
        quoted = _QUOTED.match(self.text, self.at)
        if quoted is not None:
            self.at = quoted.end()
            return str(json.loads(quoted[0]))
        plain = PLAIN_WORD.match(self.text, self.at)
        if plain is None:
            raise self._unread("a word")
        self.at = plain.end()
        return plain[0]

    def _ends_after(self, label: str) -> bool:
        """Whether the label stands here as a whole: no letter follows it."""
        end = self.at + len(label)
        return self._starts(label) and not self.text[end : end + 1].isalpha()

    def _starts(self, words: str) -> bool:
        return self.text.startswith(words, self.at)

    def _skip(self, words: str) -> bool:
        found = self._starts(words)
        self.at += len(words) if found else 0
        return found

    def _unread(self, wanted: str) -> MalformedFilter:
        rest = self.text[self.at : self.at + 40]
        return MalformedFilter("", f"{wanted} is expected before {rest!r}" if rest else f"{wanted} is expected")
