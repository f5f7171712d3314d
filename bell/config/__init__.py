"""Wiring: settings, checks, URLs, WSGI."""
