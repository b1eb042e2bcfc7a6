"""An identifier as people write it, and the values by which it is stored."""

from __future__ import annotations

from renwei.core.store import Named

REGIONS = ("CN", "GB", "US")


def handles(name: Named) -> list[str]:
    """The values by which an identifier can be searched: whole, and without its platform.

    Example:
        >>> handles(Named("nick", "taobao:Li")), handles(Named("phone", "+8613800138000"))
        (['taobao:li', 'li'], ['+8613800138000'])
    """
    whole = name.value.casefold()
    _, colon, bare = whole.partition(":")
    return [whole, bare] if colon and bare else [whole]


def readings(text: str) -> list[str]:
    """What a text may mean: as written, and as a telephone number in E.164.

    Example:
        >>> readings("138 0013 8000")
        ['138 0013 8000', '+8613800138000']
    """
    found = {text.casefold(): None}
    digits = sum(letter.isdigit() for letter in text)
    if 5 <= digits <= 20 and not any(letter.isalpha() for letter in text):
        found |= dict.fromkeys(_numbers(text))
    return list(found)


def _numbers(text: str) -> list[str]:
    import phonenumbers

    found = []
    for region in REGIONS:
        try:
            number = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_valid_number(number):
            form = phonenumbers.PhoneNumberFormat.E164
            found.append(phonenumbers.format_number(number, form))
    return found
