"""Notices to officers, as the rooms of alerts and above know them; they are written one floor below."""

from bell.organisations.notices import OFTEN, notify

__all__ = ["OFTEN", "notify"]
