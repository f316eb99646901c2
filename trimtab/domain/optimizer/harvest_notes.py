"""What is missing of losses that are to be harvested: it is noted and fails nothing (X4)."""

from trimtab.domain.accounts import TaxStatus
from trimtab.domain.money import CENT, ZERO
from trimtab.domain.optimizer.booking import Booked
from trimtab.domain.optimizer.wording import dollars
from trimtab.domain.snapshots import AnalysisInput, TaxYear


def harvest_note(request: AnalysisInput, booked: Booked) -> str:
    """A sentence while a forced harvest is in force and falls short by more than a cent, else ''."""
    harvest, snapshot = request.snapshot.settings.forced_harvest, request.snapshot
    taxable = snapshot.account.tax_status is TaxStatus.TAXABLE
    if harvest is None or not taxable or snapshot.business_date > harvest.preserve_until:
        return ""
    year = snapshot.tax_year or TaxYear()
    realised = year.short_term_realised + booked.taxed_short
    realised += ZERO if harvest.short_term_only else year.long_term_realised + booked.taxed_long
    missing = realised + harvest.losses
    if missing <= CENT:
        return ""
    kind = "short-term losses" if harvest.short_term_only else "losses"
    until = harvest.preserve_until.isoformat()
    asked, lacking = dollars(harvest.losses), dollars(missing)
    return f"Net {kind} of {asked} are to stand in the year's result until {until}; {lacking} are missing."
