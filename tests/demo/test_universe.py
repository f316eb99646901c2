"""The invented securities."""

from stdnum import cusip, isin

from trimtab.demo.universe import FACTORS, build_universe, invented_cusip, unlisted_security


def test_there_are_180_securities_with_symbols_names_and_identifiers_of_their_own():
    securities = build_universe(20).securities
    assert len(securities) == 180
    for field in ("id", "symbol", "name", "cusip", "isin"):
        assert len({getattr(security, field) for security in securities}) == 180, field


def test_every_check_digit_is_right():
    for security in (*build_universe(20).securities, unlisted_security()):
        assert cusip.is_valid(security.cusip)
        assert isin.is_valid(security.isin)
        assert security.isin[2:11] == security.cusip


def test_a_cusips_check_digit_can_be_worked_out_by_hand():
    # 1 0 0 X Z X 1 0 as 1 0 0 33 35 33 1 0, every second one doubled: 1, 0, 0, 66, 35, 66, 1, 0.
    # Digit sums 1 + 0 + 0 + 12 + 8 + 12 + 1 + 0 = 34, and 34 + 6 is a multiple of ten.
    assert invented_cusip(100) == "100XZX106"


def test_no_company_has_the_symbol_or_the_reserved_number_of_a_real_one():
    companies = [security for security in build_universe(20).securities if security.kind == "STOCK"]
    assert all(any(letter.isdigit() for letter in company.symbol) for company in companies)
    assert all(int(company.cusip[:3]) < 990 for company in companies)


def test_the_seed_changes_numbers_and_never_names():
    one, other = build_universe(1), build_universe(2)
    assert one.securities == other.securities
    assert (one.specific_risk[20:] != other.specific_risk[20:]).any()


def test_specific_risk_of_companies_is_between_12_and_50_percent_a_year():
    universe = build_universe(20)
    assert universe.exposures.shape == (180, len(FACTORS))
    assert universe.specific_risk[20:].min() >= 0.12
    assert universe.specific_risk[20:].max() <= 0.50
