"""The firm's programme at size: `python -m benchmarks.programme --json [--accounts N]`. Prints one JSON object.

`bulk_preview_seconds`, `bulk_apply_seconds`: a change of two settings of every account, selected by a filter.
`cascade_seconds`, `targets`: an approved change of a parent through 10,000 variants to every account's target.
`filter_count_seconds`, `filter_page_seconds`: a filter over the facts of --filter-accounts accounts (0 leaves it out).
"""

import argparse
import json

from benchmarks.bulk_settings import bulk_figures
from benchmarks.cascade import cascade_figures
from benchmarks.filter_book import filter_figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--filter-accounts", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true", help="Kept for scripts: the output is JSON in any case.")
    options = parser.parse_args()
    figures = bulk_figures(options.accounts) if options.accounts else {}
    if options.accounts:
        figures |= cascade_figures(options.accounts)
    if options.filter_accounts:
        figures |= filter_figures(options.filter_accounts)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
