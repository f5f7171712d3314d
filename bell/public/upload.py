"""Sending footage, without an account: the page from an appeal or a message, the plain form, the receipt."""

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.http.multipartparser import MultiPartParserError
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from bell.alerts.models import Alert
from bell.conversations import web
from bell.evidence import find, intake, rules, store
from bell.evidence.intake import Declared
from bell.evidence.models import Clock, Upload
from bell.evidence.rules import Ticket
from bell.lib import keys, links
from bell.public import routes
from bell.public.alerts import public_alert
from bell.public.headers import secret_link
from bell.public.shown import show
from bell.public.tus import seal_small
from bell.ui.forms import Form, Radios

_FORM_BYTES = 1024 * 1024  # the words of the form and the frame around its files
_MOST_FILES = 20


class FootageForm(Form):
    """What the sender says about the files (E4). Nothing is asked that they may not leave empty."""

    when = forms.CharField(label="When was it recorded?", max_length=120, required=False)
    where = forms.CharField(
        label="Where was the camera?", max_length=200, required=False,
        help_text="For example: front door of 12 Mill Lane, looking towards the school",
    )  # fmt: skip
    clock = forms.ChoiceField(
        label="Was the time on the recording right?", choices=Clock.choices, required=False, widget=Radios(small=True)
    )
    clock_words = forms.CharField(
        label="How far off was it?", max_length=120, required=False, help_text="For example: 7 minutes fast"
    )
    who = forms.CharField(
        label="Your name", max_length=120, required=False,
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )  # fmt: skip
    contact = forms.CharField(
        label="A phone number or email address", max_length=120, required=False,
        help_text="So that an officer can ask you about it",
    )  # fmt: skip

    def declared(self) -> Declared:
        """As the evidence room takes it; what is too long is cut there."""
        found = {name: str(self.data.get(name, "")) for name in self.fields}
        return Declared(**found)


@secret_link
@require_safe
def from_page(request: HttpRequest, reference: str) -> HttpResponseBase:
    """The public page of an appeal: anybody may send."""
    alert = public_alert(reference)
    if reference != alert.reference:
        return redirect(links.footage(alert.reference))
    return _page(request, alert, delivery=0)


@secret_link
@require_safe
def from_link(request: HttpRequest, token: str) -> HttpResponse:
    """The link of a person's message: what they send is theirs, and the receipt goes to where the message went."""
    try:
        alert, delivery = web.open_link(token)
    except web.UnknownLink:
        return render(request, "public/gone.html", status=404)
    return _page(request, alert, delivery=delivery.pk)


def _page(request: HttpRequest, alert: Alert, *, delivery: int) -> HttpResponse:
    """The form, with a fresh ticket; or that this appeal takes none."""
    appeal = rules.appeal_of(alert)
    if not rules.takes_footage(appeal):
        return _closed(request, alert)
    ticket = Ticket(appeal.pk, delivery, keys.random_key())
    return render(request, "public/upload/form.html", _context(appeal, ticket, FootageForm(initial={"clock": ""})))


def _closed(request: HttpRequest, alert: Alert) -> HttpResponse:
    ways = routes.of(alert.organisation, in_alerts=True)
    return render(request, "public/upload/closed.html", {"alert": show(alert), "routes": ways}, status=404)


def _context(appeal: Alert, ticket: Ticket, form: FootageForm) -> dict[str, Any]:
    words = rules.ticket(ticket)
    most = settings.UPLOAD_MOST_BYTES
    return {
        "alert": show(appeal),
        "form": form,
        "create": f"/upload/new/{words}/",
        "send": f"/upload/send/{words}/",
        "sent": _sent_path(ticket),
        "most": most,
        "most_words": intake.said_size(most),
        "keep_days": settings.UPLOAD_KEEP_HOURS // 24,
        "emailed": bool(ticket.delivery),
    }


def _sent_path(ticket: Ticket) -> str:
    return f"/upload/sent/{rules.ticket(ticket)}/"


class _Intake(FileUploadHandler):
    """Django's upload handler that puts a form's files where resumable uploads go, as they arrive; no copy between."""

    def __init__(self, request: HttpRequest, ticket: Ticket) -> None:
        super().__init__(request)
        self.ticket = ticket
        self.whole: list[Upload] = []
        self.problems: list[str] = []
        self.full = False
        self._upload: Upload | None = None
        self._writer: intake.Writer | None = None

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        """A file begins: make room for it."""
        super().new_file(*args, **kwargs)
        if len(self.whole) >= _MOST_FILES:
            self._skip(f"Send at most {_MOST_FILES} files at a time.")
        try:
            self._upload = intake.begin(self.ticket, Declared(name=self.file_name or ""), length=None)
            self._writer = intake.Writer(self._upload.key, 0)
        except (intake.Refused, store.DiskFull) as error:
            self._fail(error)

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Some bytes of it."""
        if self._writer is None:
            raise SkipFile
        try:
            self._writer.write(raw_data)
        except (intake.TooLarge, intake.Ended, store.DiskFull) as error:
            self._fail(error)

    def file_complete(self, file_size: int) -> "UploadedFile[Any] | None":
        """It is whole, or empty."""
        if self._writer is None or self._upload is None:
            return None
        try:
            self._writer.flush()
        except (intake.Ended, store.DiskFull) as error:
            self._note(error)
            self.give_up()
            return None
        if not file_size:
            self.problems.append(f"{self._upload.name} is empty. Choose the recording itself.")
            self.give_up()
            return None
        self.whole.append(self._upload)
        self._upload = self._writer = None
        return UploadedFile(name="kept", size=file_size)

    def give_up(self) -> None:
        """Take back the file under way: a plain form cannot go on where it broke off."""
        if self._upload is not None:
            intake.drop(self._upload)
        self._upload = self._writer = None

    def _fail(self, error: Exception) -> None:
        self._note(error)
        self.give_up()
        raise SkipFile

    def _note(self, error: Exception) -> None:
        self.full = self.full or isinstance(error, store.DiskFull)
        if isinstance(error, intake.TooLarge):
            self.problems.append(f"The largest file we can take is {intake.said_size(settings.UPLOAD_MOST_BYTES)}.")
        elif isinstance(error, store.DiskFull):
            self.problems.append("There is no room for this just now. Please try again in an hour.")
        else:
            self.problems.append(str(error))

    def _skip(self, words: str) -> None:
        self.problems.append(words)
        raise SkipFile


@secret_link
@require_POST
def send(request: HttpRequest, token: str) -> HttpResponse:
    """The plain form: every file in one go, streamed to disk."""
    ticket = rules.read_ticket(token)
    if ticket is None:
        return render(request, "public/gone.html", status=404)
    try:
        appeal, _ = intake.opened(ticket)
    except intake.Refused:
        return render(request, "public/gone.html", status=404)
    handler = _Intake(request, ticket)
    announced = request.META.get("CONTENT_LENGTH") or "0"
    if announced.isdigit() and int(announced) > settings.UPLOAD_MOST_BYTES + _FORM_BYTES:
        handler.problems.append(f"The largest file we can take is {intake.said_size(settings.UPLOAD_MOST_BYTES)}.")
        return _again(request, appeal, ticket, FootageForm(), handler, status=413)
    request.upload_handlers = [handler]
    try:
        form = FootageForm(request.POST)
    except (OSError, MultiPartParserError, SuspiciousOperation) as error:
        handler.give_up()
        for upload in handler.whole:
            intake.drop(upload)
        raise BadRequest("The form broke off") from error
    for upload in handler.whole:
        intake.finish(upload, form.declared())
        seal_small(upload.key)
    if handler.problems or not handler.whole:
        handler.problems = handler.problems or ["Choose at least one file"]
        return _again(request, appeal, ticket, form, handler, status=507 if handler.full else 200)
    return redirect(_sent_path(ticket))


def _again(
    request: HttpRequest, appeal: Alert, ticket: Ticket, form: FootageForm, handler: _Intake, *, status: int
) -> HttpResponse:
    """The form again, with what is in the way; what did arrive stays."""
    context = {**_context(appeal, ticket, form), "problems": handler.problems, "arrived": len(handler.whole)}
    return render(request, "public/upload/form.html", context, status=status)


@secret_link
@require_safe
def sent(request: HttpRequest, token: str) -> HttpResponse:
    """The receipt of one sitting: each file's reference, size and SHA-256; asks again until all are sealed."""
    ticket = rules.read_ticket(token)
    alert = rules.alert_of_ticket(ticket) if ticket else None
    if ticket is None or alert is None:
        return render(request, "public/gone.html", status=404)
    files = find.sent(ticket.sitting)
    waits = any(one.state == Upload.State.RECEIVED for one in files)
    context = {"files": files, "waits": waits, "here": _sent_path(ticket), "emailed": find.receipt_goes(ticket.sitting)}
    if request.headers.get("HX-Request"):
        return render(request, "public/upload/files.html", context)
    return render(request, "public/upload/sent.html", {**context, "alert": show(alert)})
