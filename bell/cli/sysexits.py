"""Exit codes by which a mail server decides about a mail (BSD's sysexits.h)."""

OK = 0
DATA = 65
"""The mail itself cannot be taken: it goes back to its sender."""
NO_USER = 67
"""No such mailbox: it goes back to its sender."""
LATER = 75
"""Our fault: the mail server keeps it and tries again."""
