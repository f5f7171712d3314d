"""The face of officers and partners."""
