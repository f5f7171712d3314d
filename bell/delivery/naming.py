"""Who is named in raw bytes: whole addresses and whole numbers, never a part of a longer one."""

import re

# What an address may have before its "@", as people and programs write it. "=" and "/" may stand there too, and hardly
# ever do: far more often they come before an address ("smtp.mailfrom=ann@mail.example").
_LOCAL = re.compile(rb"[a-z0-9.!#$%&'*+?^_`{|}~-]*\Z")
_LONGEST_LOCAL = 64
_GOES_ON = re.compile(rb"[a-z0-9-]|\.[a-z0-9]")
# A sign between words as mail, addresses of pages and JSON write it: "=3C", "%20", "\n", "\u003c".
_ESCAPED = rb"[=%](?:0[9ad]|2[02789acf]|3[a-f]|5b)|\\[nrt]|\\u00(?:2[027]|3[ce])"
_ESCAPE = re.compile(rb"(?:" + _ESCAPED + rb")\Z")


def names(raw: bytes, address: str) -> bool:
    """Whether an email address, or a mobile number in E.164, stands in these bytes as a whole."""
    return _names_email(raw.lower(), address) if "@" in address else _names_number(raw.lower(), address)


def _names_email(raw: bytes, address: str) -> bool:
    needle = address.casefold().encode()
    at = raw.find(needle)
    while at >= 0:
        if not _GOES_ON.match(raw, at + len(needle)) and _begins(raw[max(0, at - _LONGEST_LOCAL) : at]):
            return True
        at = raw.find(needle, at + 1)
    return False


def _begins(before: bytes) -> bool:
    """Whether an address begins after these bytes: signs alone ("*", a quotation mark) are no part of one."""
    if _ESCAPE.search(before):
        return True
    run = _LOCAL.search(before)
    return run is None or not re.search(rb"[a-z0-9]", run.group())


def _names_number(raw: bytes, number: str) -> bool:
    """By its last ten digits, after whatever stands for its country, so that each way to write it is found."""
    digits = number.lstrip("+").encode()
    country, own = digits[:-10], digits[-10:]
    lead = rb"(?:(?:00)?" + country + rb")?0?" if country else rb"(?:00)?0?"
    return re.search(rb"(?:(?<![0-9])|(?<=[=%]2[02789]))" + lead + own + rb"(?![0-9])", raw) is not None
