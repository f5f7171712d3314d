"""Management commands: one thin file each."""
