"""What is wrong with a setting that somebody enters: each error names the rule and how to mend it."""

from trimtab.domain.errors import TrimtabError


class SettingError(TrimtabError):
    """A setting that cannot be entered (X12)."""

    code = "SETTING_INVALID"


class UnknownSentence(SettingError):
    """No setting has this sentence, or no setting this name."""

    code = "SETTING_UNKNOWN"


class WrongValue(SettingError):
    """A value that cannot be read, or that lies outside of the setting's range."""

    code = "SETTING_OUT_OF_RANGE"


class WrongLevel(SettingError):
    """The setting is not made at this level."""

    code = "SETTING_WRONG_LEVEL"


class LockedSetting(SettingError):
    """A rule of the firm that no lower level lifts (MD-7)."""

    code = "SETTING_LOCKED"


class Contradiction(SettingError):
    """Settings that cannot be obeyed together."""

    code = "SETTINGS_CONTRADICT"
