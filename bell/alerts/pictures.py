"""One picture an alert: made anew, described in words, frozen by its hash, gone when nothing needs it any more."""

import hashlib
from typing import Any

from django.db import transaction

from bell.alerts import practice, rules
from bell.alerts.models import Alert, Picture, Version
from bell.alerts.rules import NotAllowed, Unfinished
from bell.audit.record import record
from bell.lib import clock, pictures
from bell.organisations.models import Officer

MOST_BYTES = 15 * 1024 * 1024
ALT_MOST = 300


@transaction.atomic
def attach(alert: Alert, *, by: Officer, alt: str, data: bytes = b"") -> Alert:
    """Put a picture into a draft, or describe anew the one that it has (`data` empty). Raises Unfinished, NotAllowed.

    What was uploaded is not kept: only the small JPEG that was made of it, without place, camera or thumbnail.
    """
    fresh = _editable(alert, by)
    alt = " ".join(alt.split())
    problems = {}
    if not alt:
        problems["alt"] = "Describe the picture for people who cannot see it."
    elif len(alt) > ALT_MOST:
        problems["alt"] = f"The description must be {ALT_MOST} characters or fewer."
    made = pictures.for_mail(data) if data and len(data) <= MOST_BYTES else None
    if len(data) > MOST_BYTES:
        problems["file"] = f"The picture must be smaller than {MOST_BYTES // 1024 // 1024} MB."
    elif made is not None and not made.data:
        problems["file"] = "This picture cannot be read. Use a JPEG, PNG or WebP picture; of a HEIC take a screenshot."
    elif made is None and fresh.picture is None:
        problems["file"] = "Choose a picture."
    if problems:
        raise Unfinished(problems)
    before = fresh.picture
    if made is not None:
        fresh.picture = _kept(made.data)
    fresh.picture_alt = alt
    _save(fresh, by)
    record("picture attached", fresh, by=by, sha256=fresh.picture.sha256 if fresh.picture else "", edit=fresh.edit)
    _forget(before)
    return fresh


@transaction.atomic
def remove(alert: Alert, *, by: Officer) -> Alert:
    """Take the picture out of a draft."""
    fresh = _editable(alert, by)
    before = fresh.picture
    if before is None:
        return fresh
    fresh.picture, fresh.picture_alt = None, ""
    _save(fresh, by)
    record("picture removed", fresh, by=by, sha256=before.sha256, edit=fresh.edit)
    _forget(before)
    return fresh


def shown(alert: Alert, sha256: str) -> Picture | None:
    """The picture with this hash, if it is the alert's own or one of its versions froze it."""
    found = Picture.objects.filter(sha256=sha256).first()
    if found is None or found.deleted_at is not None:
        return None
    if found.pk == alert.picture_id or alert.versions.filter(frozen__picture__sha256=sha256).exists():
        return found
    return None


def intact(frozen: dict[str, Any]) -> bool:
    """Whether the frozen picture is still there, byte for byte; true where there is none (I5)."""
    if "picture" not in frozen:
        return True
    found = Picture.objects.filter(sha256=frozen["picture"]["sha256"]).first()
    return found is not None and hashlib.sha256(found.data).hexdigest() == found.sha256


def _editable(alert: Alert, by: Officer) -> Alert:
    fresh = Alert.objects.select_for_update(of=("self",)).select_related("team", "organisation").get(pk=alert.pk)
    practice.check(by, fresh)
    if not rules.may_edit(by, fresh):
        raise NotAllowed("This alert can no longer be changed. Take it back to draft first.")
    return fresh


def _save(alert: Alert, by: Officer) -> None:
    """As an edit: whoever chose the picture cannot approve it, and an open composer notices."""
    alert.last_editor, alert.edit, alert.sitting, alert.saved_at = by, alert.edit + 1, "", clock.now()
    alert.editors = sorted({*alert.editors, by.pk})
    alert.save(update_fields=["picture", "picture_alt", "last_editor", "editors", "edit", "sitting", "saved_at"])


def _kept(data: bytes) -> Picture:
    width, height = pictures.size_of(data)
    now = clock.now()
    facts = {"data": data, "width": width, "height": height, "size": len(data), "made_at": now}
    sha256 = hashlib.sha256(data).hexdigest()
    # Locked, so that retention does not take it away meanwhile; what it took before is there again.
    kept, _ = Picture.objects.select_for_update().get_or_create(sha256=sha256, defaults=facts)
    if kept.deleted_at is not None:
        kept.data, kept.made_at, kept.deleted_at = data, now, None
        kept.save(update_fields=["data", "made_at", "deleted_at"])
    return kept


def _forget(picture: Picture | None) -> None:
    """Delete a picture that no alert has and no version froze."""
    if picture is None or Alert.objects.filter(picture=picture).exists():
        return
    if not Version.objects.filter(frozen__picture__sha256=picture.sha256).exists():
        picture.delete()
