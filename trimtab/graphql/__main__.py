"""Prints the published schema: python -m trimtab.graphql > schema.graphql"""

import sys

from trimtab.graphql.schema import schema_text

sys.stdout.write(schema_text())
