"""The firm's programme at size: `python -m benchmarks.programme --json [--accounts N]`. Prints one JSON object.

`bulk_preview_seconds`, `bulk_apply_seconds`: a change of two settings of every account, selected by a filter.
"""

import argparse
import json

from benchmarks.bulk_settings import bulk_figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", help="Kept for scripts: the output is JSON in any case.")
    options = parser.parse_args()
    print(json.dumps({**bulk_figures(options.accounts)}, indent=2))


if __name__ == "__main__":
    main()
