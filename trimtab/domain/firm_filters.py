"""The five filters that a new firm starts with, as the JSON that it may edit. Figures are starting values.

Automated (W-A1 to W-A7): in good standing, no data error, small, a mandate or worth it, little turnover and tax.
Review (W-B): the larger the account, the lower the turnover and tax that call for a person.
Suspend (W-C1 to W-C5): bad data, closing, suspended for a flow, paperwork or compliance, not approved.
Compliance (W-D1): rules that contradict each other or leave much risk. Management (W-E2): drift that nobody traded.
"""

from collections.abc import Mapping
from typing import Final

from trimtab.domain.lane_policy import FilterKey
from trimtab.domain.lanes import LanePolicy, parse_firm_filters

Json = dict[str, object]


def _rule(field: str, operator: str, value: object) -> Json:
    return {"field": field, "operator": operator, "value": value}


def _all(*rules: Json) -> Json:
    return {"combinator": "and", "not": False, "rules": list(rules)}


def _any(*rules: Json) -> Json:
    return {"combinator": "or", "not": False, "rules": list(rules)}


DEFAULT_FIRM_FILTERS: Final[Mapping[str, Json]] = {
    FilterKey.AUTOMATED.value: _all(
        _rule("standing", "=", "OPEN"),
        _rule("approved_for_trading", "=", True),
        _rule("discretionary", "=", True),
        _rule("is_suspended", "=", False),
        _rule("has_data_error", "=", False),
        _rule("account_value", "<=", 500_000),
        _any(_rule("is_mandate", "=", True), _rule("score", ">=", 2)),
        _rule("turnover", "<=", 0.10),
        _rule("tax_bps", "<=", 20),
    ),
    FilterKey.REVIEW.value: _any(
        _rule("discretionary", "=", False),
        _rule("turnover", ">", 0.20),
        _rule("tax_bps", ">", 50),
        _all(
            _rule("account_value", ">", 500_000),
            _any(_rule("turnover", ">", 0.05), _rule("tax_bps", ">", 10)),
        ),
        _all(
            _rule("account_value", ">", 2_000_000),
            _any(_rule("turnover", ">", 0.02), _rule("tax_bps", ">", 5)),
        ),
    ),
    FilterKey.SUSPEND.value: _any(
        _rule("has_data_error", "=", True),
        _rule("is_suspended", "=", True),
        _rule("standing", "=", "CLOSING"),
        _rule("approved_for_trading", "=", False),
    ),
    FilterKey.COMPLIANCE.value: _any(
        _rule("outcome", "=", "CONFLICT"),
        _rule("under_compliance_review", "=", True),
        _rule("tracking_error", ">", 0.10),
    ),
    FilterKey.MANAGEMENT.value: _all(
        _rule("standing", "=", "OPEN"),
        _rule("is_suspended", "=", False),
        _rule("has_data_error", "=", False),
        _rule("order_count", "=", 0),
        _rule("max_drift", ">", 0.05),
    ),
}


def default_firm_filters() -> LanePolicy:
    return parse_firm_filters(DEFAULT_FIRM_FILTERS)
