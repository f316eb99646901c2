"""The simulated accounts of `trimtab calm` and `trimtab calibrate`, under the name that the benchmarks use."""

from trimtab.simulated_accounts import BUSINESS_DATE, Universe, a_household, a_universe, an_account

__all__ = ["BUSINESS_DATE", "Universe", "a_household", "a_universe", "an_account"]
