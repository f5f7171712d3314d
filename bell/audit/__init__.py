"""The record: who did what, in a chain that shows tampering."""
