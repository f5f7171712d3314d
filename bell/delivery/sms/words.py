"""The words that end text messages: only as the whole message. "Stop the car" is for the officer."""

_STOP = frozenset({"STOP", "STOPALL", "STOP ALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT"})
_AROUND = " \t\r\n\"'“”‘’.!,;:*"


def is_stop(text: str) -> bool:
    """Whether the whole message says stop, whatever its case, space around it or full stop behind it."""
    if len(text) > 40:
        return False
    return " ".join(text.strip(_AROUND).upper().split()) in _STOP
