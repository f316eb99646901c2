"""The mutations about settings."""

import strawberry

from trimtab.graphql.settings.mutations.change_settings import change_settings
from trimtab.graphql.settings.mutations.decide_exception import decide_settings_exception


@strawberry.type
class SettingsMutation:
    change_settings = change_settings
    decide_settings_exception = decide_settings_exception
