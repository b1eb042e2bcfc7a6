"""Which language the person at the terminal reads."""

from __future__ import annotations

import locale
import os
import sys
from collections.abc import Mapping, Sequence

from renwei.core.words import LANGUAGES


def chosen(argv: Sequence[str], environ: Mapping[str, str] | None = None) -> str:
    """`--lang`, else RENWEI_LANG, else the locale: zh for any Chinese one, otherwise en.

    Example:
        >>> chosen(["today", "--lang", "zh"], {}), chosen([], {"LANG": "zh_CN.UTF-8"})
        ('zh', 'zh')
    """
    env = os.environ if environ is None else environ
    for k, word in enumerate(argv):
        if word == "--lang" and k + 1 < len(argv) and argv[k + 1] in LANGUAGES:
            return argv[k + 1]
        if word.startswith("--lang=") and word[7:] in LANGUAGES:
            return word[7:]
    for name in ("RENWEI_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = env.get(name, "").lower()
        if value and value.partition(".")[0] not in ("c", "posix"):
            return "zh" if value.startswith("zh") else "en"
    if environ is None and sys.platform in ("win32", "darwin"):
        return "zh" if (locale.getlocale()[0] or "").lower().startswith(("zh", "chinese")) else "en"
    return "en"
