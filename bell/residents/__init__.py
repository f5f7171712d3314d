"""Who receives."""
