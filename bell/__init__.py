"""Derbyshire Alert: a police force and its partners talk with residents."""
