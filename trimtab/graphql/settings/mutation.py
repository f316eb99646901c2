"""The mutations about settings."""

import strawberry

from trimtab.graphql.settings.mutations.change_settings import change_settings
from trimtab.graphql.settings.mutations.decide_bulk_change import (
    decide_bulk_change,
    exempt_from_bulk_change,
    undo_bulk_change,
)
from trimtab.graphql.settings.mutations.decide_exception import decide_settings_exception
from trimtab.graphql.settings.mutations.propose_bulk_change import propose_bulk_change


@strawberry.type
class SettingsMutation:
    change_settings = change_settings
    decide_settings_exception = decide_settings_exception
    propose_bulk_change = propose_bulk_change
    exempt_from_bulk_change = exempt_from_bulk_change
    decide_bulk_change = decide_bulk_change
    undo_bulk_change = undo_bulk_change
