"""The face of operators: the `bell` command and its management commands."""
