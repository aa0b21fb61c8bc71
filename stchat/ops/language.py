"""The language of texts for people: Japanese where the locale is, or where STCHAT_LANG asks for it; else English."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal

from stchat.environment import Variable
from stchat.errors import SettingsError

Language = Literal["en", "ja"]
_VARIABLES = ("STCHAT_LANG", "LC_ALL", "LC_MESSAGES", "LANG")


def language(environment: Mapping[str, str] = os.environ) -> Language:
    """By the first variable that is set, in the order in which POSIX programs look at them after STCHAT_LANG.

    Raises:
        SettingsError: STCHAT_LANG holds neither `en` nor `ja`.
    """
    own = environment.get(Variable.LANG, "")
    if own.lower()[:2] not in ("", "en", "ja"):
        raise SettingsError(f"{Variable.LANG} must be en or ja, got {own}: unset it for the locale's language")
    for name in _VARIABLES:
        if value := environment.get(name):
            return "ja" if value.lower().startswith("ja") else "en"
    return "en"
