"""What the person wrote, without the mail they answer: one pass over the lines, and when in doubt everything stays.

No regular expressions: ten kilobytes of hostile text must cost no more than ten kilobytes of any text.
"""

from collections.abc import Callable, Sequence

_LOOK = 300  # characters of a line that are looked at
_MOST_INTRO_LINES = 3  # mail programs wrap "On ... wrote:" over so many lines

_INTROS = (
    ("on ", "wrote:"), ("le ", "a écrit :"), ("am ", "schrieb:"), ("el ", "escribió:"), ("w dniu ", "napisał(a):"),
)  # fmt: skip
_RULES = ("-----original message-----", "-------- original message --------", "-----ursprüngliche nachricht-----")
_FIELDS = ("from:", "sent:", "date:", "to:", "cc:", "subject:", "reply-to:")


def without_quote(text: str, marks: Sequence[str]) -> str:
    """The answer on top of our quoted mail; the whole text when there is none, or it cannot be told apart.

    `marks` are texts that only our own mails hold, such as our domains: what somebody pasted from elsewhere (the scam
    they want to show us) is no quote of ours and stays.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    cut = _first_cut(lines, tuple(mark.lower() for mark in marks if mark))
    kept = "\n".join(lines[:cut]).strip() if cut is not None else ""
    return kept or text.strip()


def _first_cut(lines: list[str], marks: tuple[str, ...]) -> int | None:
    """The line where our quoted mail begins, if all that follows surely belongs to it."""
    own_until = _last(lines, lambda head: bool(head) and not head.startswith(">"))
    ours_until = _last(lines, lambda head: any(mark in head for mark in marks))
    for place, line in enumerate(lines):
        head = line[:_LOOK].strip().lower()
        if head.startswith(">") and own_until < place <= ours_until:
            return place
        length = _intro(lines, place, head)
        if length and own_until < place + length and place <= ours_until and _quoted_next(lines, place + length):
            return place
        if (_is_rule(head) and _is_our_head(lines, place + 1, marks, 2)) or (
            head.startswith("from:") and _is_our_head(lines, place, marks, 3)
        ):
            return place
    return None


def _last(lines: list[str], holds: Callable[[str], bool]) -> int:
    """The last line whose beginning fits, or -1."""
    for place in range(len(lines) - 1, -1, -1):
        if holds(lines[place][:_LOOK].strip().lower()):
            return place
    return -1


def _intro(lines: list[str], place: int, head: str) -> int:
    """How many lines an introduction such as "On Monday X wrote:" takes here; 0 when there is none."""
    for begin, end in _INTROS:
        if not head.startswith(begin):
            continue
        for length in range(1, _MOST_INTRO_LINES + 1):
            if place + length > len(lines):
                break
            if lines[place + length - 1][-_LOOK:].strip().lower().endswith(end):
                return length
    return 0


def _quoted_next(lines: list[str], place: int) -> bool:
    """Whether the next line with something on it is quoted with ">"."""
    for line in lines[place : place + 3]:
        head = line[:_LOOK].strip()
        if head:
            return head.startswith(">")
    return False


def _is_rule(head: str) -> bool:
    return head in _RULES or (len(head) >= 20 and set(head) == {"_"})


def _is_our_head(lines: list[str], place: int, marks: tuple[str, ...], least: int) -> bool:
    """Whether the next lines are the head of a quoted mail of ours: so many different fields, ours in From."""
    seen: set[str] = set()
    ours = False
    for line in lines[place : place + 8]:
        head = line[:_LOOK].strip().lstrip("*").lower()
        field = next((name for name in _FIELDS if head.startswith(name)), None)
        if field is None and head:
            break
        if field:
            seen.add(field)
            ours = ours or (field == "from:" and any(mark in head for mark in marks))
    return ours and len(seen) >= least
