"""Rules on the whole account that cannot be kept, in the user's words."""

from trimtab.domain.optimizer.account_rows import PRESERVED
from trimtab.domain.optimizer.attainable import Attainable
from trimtab.domain.optimizer.problem import OptimizerData
from trimtab.domain.optimizer.whole_shares import NAMES, TRACKING_ERROR
from trimtab.domain.optimizer.wording import listing, of_account, percent

CLASH_OF_ALL = "The rules cannot all be kept on one day."

_IN_WORDS = {
    "TURNOVER": "the turnover limit",
    "GAIN": "the budget of net gains",
    "SHORT_TERM_GAIN": "the budget of short-term gains",
    "TAX": "the tax budget",
    "TAX_SHORT": "the tax budget",
    PRESERVED: "the forced harvest, which allows no net gain until its day",
    TRACKING_ERROR: "the limit of tracking error",
    NAMES: "the limit of names held",
}


def in_words(data: OptimizerData, name: str) -> str:
    """A row's name as it stands in a sentence: 'the turnover limit of 10.00 %', 'the band of SECTOR Energy'."""
    kind, _, subject = name.partition(":")
    if subject and kind not in _IN_WORDS:
        return f"the band of {kind.lower().replace('_', ' ')} {subject}"
    words = _IN_WORDS.get(kind, kind.lower())
    if kind == TRACKING_ERROR and data.tracking_limit is not None:
        return f"{words} of {percent(data.tracking_limit)}"
    if kind == NAMES:
        return f"{words}, which is {data.most_names}"
    limits = dict(zip(data.rows.names, data.rows.high, strict=True))
    if name not in limits or name == PRESERVED:
        return words
    return f"{words} of {percent(limits[name]) if kind == 'TURNOVER' else of_account(data, float(limits[name]))}"


def clash_of_rows(data: OptimizerData, attainable: Attainable) -> str:
    """What cannot be kept whatever is traded."""
    if attainable.least_tracking_error is not None and data.tracking_limit is not None:
        least = percent(attainable.least_tracking_error)
        return f"Tracking error is to be at most {percent(data.tracking_limit)}, but no trades bring it below {least}."
    return missed_by_the_others(data, *attainable.clashing)


def missed_by_the_others(data: OptimizerData, *names: str) -> str:
    """Rows that trades which other rules demand must break."""
    return f"The other rules demand trades that break {listing([in_words(data, name) for name in names])}."


def missed_in_shares(data: OptimizerData, missed: tuple[str, ...]) -> str:
    """What trades in whole shares, or of the minimum size, do not keep."""
    return f"In whole shares the rules cannot keep {listing([in_words(data, name) for name in missed])}."
