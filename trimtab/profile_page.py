"""docs/settings.md from the registry: `python -m trimtab.profile_page > docs/settings.md`."""

import sys
from collections.abc import Iterator

from trimtab.domain.profile.levels import WHOSE
from trimtab.domain.profile.registry import LANGUAGE
from trimtab.domain.profile.slots import Slot, SlotKind
from trimtab.domain.profile.statements import DECIDED, Group, Setting
from trimtab.domain.records import decimal_text

INTRODUCTION = """# Settings

Everything that a firm, an advisor and a client want of an account is a setting with one exact English sentence. The
sentence is what people read and write, what diffs and histories show, and what `trimtab settings set` and the
mutation `changeSettings` understand: each renders to its sentence and reads back from it. Nobody sees a parameter of
the solver.

## Where a setting comes from

The firm > a programme > an advisor > a household > the account: the narrowest that says something holds, and the
profile shows which one it is. Each layer stores only what it alters. What the accounts file states of an account lies
below all of them, and the defaults below the file. Rules about one security, sector or list stand beside each other;
what the firm itself lays down about a security or a list nobody lifts for one account, except by an exemption with a
reason.

Settings are append-only versions with a first day. A change for a later day takes nothing else with it.
`accountProfile` answers what holds on a day (`asOf`) as it was known at a version or an instant (`knownAt`,
`knownAtTime`), and `accountProfileDiff` tells in English what differs between two moments.

Advisors change the settings of their book, its households and its accounts (row 4 of the authorization matrix). What
the firm or a programme says, and what many accounts say, changes in bulk: proposed by one person, approved by another
(row 6). What goes beyond the customisation limits of the programme waits for an approval (row 5).

A setting that cannot be is refused when it is entered, with the rule and the way out: a value out of its range,
bounds that cross, a name that the security master does not have, settings that contradict each other or bar what the
model needs.

## What the day adds

Budgets of a year count what the account's own trades have realised since January (what was posted, not what the
custodian did elsewhere). Payments count from `notice` on. While a transition plan waits, or an account is paused,
nothing is asked that would need a trade. Of a commission schedule the row that names most counts, the kind of
security before the tier before the custodian, for each kind by itself: the optimizer, the checker and the orders
count each order at the price of its security's kind. Kinds that no row fits pay what the accounts file says. Where a
price was decided for each order whatever it is, that holds and the schedule does not. The filter field `commission` is
the price of the dearest kind.

A social screen names one of the firm's restriction lists. A list that names neither accounts nor programmes binds
everybody anyway; one that is to bind only those who choose it names a programme that no account has.

## Many accounts at once

A bulk change is selected by a filter, or made for a programme or the whole firm. Its preview says who goes from which
sentence to which, whose settings could not obey it, and what these accounts trade today; a sample can be analysed
again as it would be. It is run on the last stored days before anybody may approve it
([`shadow-runs.md`](shadow-runs.md)). An account is exempted with a reason, until a day or until a review: then the
change holds for it too, or somebody is told every day to look. A second person approves, all accounts change in one
transaction, and an undo gives each what it said before, except where somebody has changed it since.

## On the command line

```
trimtab settings show A00002 [--date 2026-03-02] [--known-at 1234] [--json]
trimtab settings set A00002 "Keep 2 % in cash." "Never sell IBM." --reason "asked for on the phone" [--from 2026-04-01]
trimtab settings diff A00002 2026-03-02 2026-04-01
trimtab settings history A00002
trimtab settings bulk propose "Never trade IBM." --layer FIRM --reason "the committee" [--filter accounts.json]
trimtab settings bulk show CHANGE [--sample 20]
trimtab settings bulk exempt CHANGE A00007 --until 2026-06-30 --reason "sells its founder's shares"
trimtab settings bulk list
trimtab settings bulk undo CHANGE --reason "withdrawn"
```

The command line proposes and never approves: it does not know who types.

## All settings
"""


def page() -> str:
    return INTRODUCTION + "".join(f"\n{line}" for line in _tables()) + "\n"


def _tables() -> Iterator[str]:
    for group in Group:
        yield f"### {group.value.replace('_', ' ').capitalize()}\n"
        yield "| setting | sentence | values | default | made for | effect |"
        yield "|---|---|---|---|---|---|"
        yield from (_row(setting) for setting in LANGUAGE if setting.group is group)
        yield ""


def _row(setting: Setting) -> str:
    sentences = "<br>".join(setting.forms.values())
    values = "<br>".join(f"{slot.name}: {_values(slot)}" for slot in setting.slots)
    default = "nothing" if setting.default is None else setting.render(setting.default)
    levels = "all levels" if setting.levels == DECIDED else ", ".join(WHOSE[level] for level in setting.levels)
    return f"| `{setting.key}` | {sentences} | {values} | {default} | {levels} | {setting.effect} |"


def _values(slot: Slot) -> str:
    match slot.kind:
        case SlotKind.CHOICE:
            return ", ".join(slot.words.values())
        case SlotKind.PERCENT | SlotKind.DOLLARS | SlotKind.COUNT:
            return f"{slot.written(decimal_text(slot.low))} to {slot.written(decimal_text(slot.high))}"
        case _:
            return slot.kind.value.lower()


if __name__ == "__main__":
    sys.stdout.write(page())
