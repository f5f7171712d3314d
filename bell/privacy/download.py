"""One person's data as a file: a zip with data.json for machines and data.html for people."""

import io
import json
import zipfile
from typing import Any

from django.template.loader import render_to_string
from django.utils.text import capfirst

from bell.audit.record import record
from bell.lib import clock
from bell.organisations.models import Officer
from bell.privacy import access, actions, rules
from bell.residents.models import Resident

_README = (
    "data.html  everything we hold on you, to be read in a browser\n"
    "data.json  the same for machines: each row with its table and key\n\n"
    "Keep this file safe: it holds your addresses and what you wrote to us.\n"
)


def take(resident: Resident, *, by: object, notes: bool = False) -> bytes:
    """The zip. A member may take five a day (rules.TooOften); the record notes each.

    `notes`: with the words of internal notes, for the data protection officer to look through before giving it away.
    """
    if isinstance(by, Officer):
        rules.check_protects(by)
        record("person exported", resident, by=by, why=rules.gave_reason(by, resident), team=actions.team_of(by))
    else:
        rules.check_download(resident)
        record("data downloaded", resident, by=by)
    found = access.everything(resident, notes=notes)
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", _README)
        archive.writestr("data.json", json.dumps(found, ensure_ascii=False, indent=1))
        archive.writestr("data.html", _page(found))
    return made.getvalue()


def _page(found: dict[str, Any]) -> str:
    """A page that needs nothing else: no script, no picture, no request."""
    held = [
        {**section, "rows": [[(_label(name), value) for name, value in row.items()] for row in section["rows"]]}
        for section in found["held"]
    ]
    context = {**found, "held": held, "made": clock.said(clock.now())}
    return render_to_string("privacy/data.html", context)


def _label(name: str) -> str:
    return str(capfirst(name.removesuffix("_id").replace("_", " ")))
