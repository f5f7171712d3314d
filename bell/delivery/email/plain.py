"""The words of a mail that has only HTML: one pass from left to right, every search started at most once in vain."""

import html

_BREAKS = frozenset({"br", "p", "div", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "hr"})
_SILENT = frozenset({"script", "style", "head", "title"})
_MOST = 300_000  # characters looked at


def from_html(source: str) -> str:
    """Readable text; what a mail program quotes (blockquote) has "> " before each line."""
    return _Scanner(source[:_MOST]).run()


class _Scanner:
    """Where we stand, and which searches are known to find nothing any more."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.lower = source.lower() if len(source.lower()) == len(source) else source
        self.lines: list[str] = []
        self.line: list[str] = []
        self.quoted = 0
        self.vain: set[str] = set()

    def run(self) -> str:
        """Scan to the end."""
        place = 0
        while place < len(self.source):
            start = self._find("<", place)
            if start < 0:
                break
            self._say(self.source[place:start])
            place = self._tag(start)
        self._say(self.source[place:])
        self._break()
        return "\n".join(self._single_gaps()).strip()

    def _find(self, what: str, place: int) -> int:
        """Like str.find; a text that was not found once is not looked for again."""
        if what in self.vain:
            return -1
        found = self.lower.find(what, place)
        if found < 0:
            self.vain.add(what)
        return found

    def _tag(self, start: int) -> int:
        """Past the tag or comment at `start`; a "<" that begins none is text."""
        if self.source.startswith("<!--", start):
            end = self._find("-->", start + 4)
            return end + 3 if end >= 0 else self._literal(start)
        following = self.lower[start + 1 : start + 2]
        if not (following.isalpha() or following in ("/", "!", "?")):
            return self._literal(start)
        end = self._find(">", start)
        if end < 0:
            return self._literal(start)
        closing = following == "/"
        inner = self.lower[start + 1 + closing : min(end, start + 40)]
        name = inner.replace("/", " ").split(" ", 1)[0].split("\n", 1)[0].split("\t", 1)[0].strip()
        if name in _SILENT and not closing:
            close = self._find(f"</{name}", end)
            return close if close >= 0 else end + 1
        if name == "blockquote":
            self._break()
            self.quoted = max(0, self.quoted + (-1 if closing else 1))
        elif name in _BREAKS:
            self._break()
            if name == "p":
                self.lines.append(self._mark())
        return end + 1

    def _literal(self, start: int) -> int:
        self._say("<")
        return start + 1

    def _say(self, text: str) -> None:
        if text:
            self.line.append(text)

    def _mark(self) -> str:
        return "> " if self.quoted else ""

    def _break(self) -> None:
        """End the present line, if anything is on it."""
        words = " ".join(html.unescape("".join(self.line)).split())
        self.line = []
        if words:
            self.lines.append(self._mark() + words)

    def _single_gaps(self) -> list[str]:
        """The lines without runs of empty ones."""
        kept: list[str] = []
        for line in self.lines:
            if line.strip("> ") or (kept and kept[-1].strip("> ")):
                kept.append(line.rstrip())
        return kept
