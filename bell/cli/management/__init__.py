"""Management commands of the operators' face."""
