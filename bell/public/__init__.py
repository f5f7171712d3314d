"""The face of residents."""
