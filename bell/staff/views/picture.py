"""The picture of an alert: chosen, described, removed, and looked at by those who may see the alert."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_http_methods, require_safe

from bell.alerts import pictures, rules
from bell.organisations.models import Officer
from bell.staff import shell
from bell.staff.access import officer_required
from bell.staff.forms.picture import PictureForm
from bell.staff.views.finding import alert_of


@officer_required
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: HttpRequest, officer: Officer, reference: str) -> HttpResponse:
    """The page of a draft's picture."""
    alert = alert_of(officer, reference)
    if not rules.may_edit(officer, alert):
        messages.error(request, "This alert cannot be changed now, or not by you.")
        return redirect("staff-alert", alert.reference)
    form = PictureForm(request.POST or None, request.FILES or None, initial={"alt": alert.picture_alt})
    if request.method == "POST" and request.POST.get("do") == "remove":
        pictures.remove(alert, by=officer)
        messages.success(request, "The picture is removed.")
        return redirect("staff-edit", alert.reference)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        # One byte more than may be: enough to see that it is too much.
        data = file.read(pictures.MOST_BYTES + 1) if file else b""
        try:
            pictures.attach(alert, by=officer, alt=form.cleaned_data["alt"], data=data)
        except rules.Unfinished as unfinished:
            form.show(unfinished.problems)
        else:
            messages.success(request, "The picture is kept.")
            return redirect("staff-edit", alert.reference)
    return shell.page(request, officer, "staff/picture.html", {"form": form, "alert": alert})


@officer_required
@require_safe
def file(request: HttpRequest, officer: Officer, reference: str, sha256: str) -> HttpResponse:
    """A picture that the alert has or had in a version."""
    found = pictures.shown(alert_of(officer, reference), sha256)
    if found is None:
        raise Http404
    return HttpResponse(bytes(found.data), content_type="image/jpeg")
