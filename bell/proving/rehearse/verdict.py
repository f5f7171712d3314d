"""What one promise came to."""

from dataclasses import dataclass, field


@dataclass
class Verdict:
    """What one invariant came to: rows checked, and what is wrong in words (a few are shown)."""

    checked: int = 0
    wrong: list[str] = field(default_factory=list)
    provable: bool = True

    @property
    def holds(self) -> bool | None:
        """False when something is wrong or nothing was checked; None when it cannot be proved here."""
        if self.wrong:
            return False
        if not self.provable:
            return None
        return self.checked > 0

    def check(self, right: bool, words: str) -> None:
        """Count one thing that was checked."""
        self.checked += 1
        if not right:
            self.wrong.append(words)
