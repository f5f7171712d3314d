"""Organisations together: what we are asked to carry, what we pass on, what the force is asked to send (G2-G4).

A partner's officers see texts, maps and numbers, never people.
"""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods, require_safe

from bell.alerts import actions, find, partners, rules
from bell.alerts import together as verbs
from bell.alerts.models import Alert, Ask, Carrier
from bell.organisations import rules as organisation_rules
from bell.organisations.models import Agreement, Officer, Organisation, Role, Team
from bell.staff import ground, shell, showing
from bell.staff.access import officer_required
from bell.staff.forms.together import AskForm, InvitationForm, ReachForm, RequestForm
from bell.staff.views.finding import alert_of


@officer_required
@require_safe
def together(request: HttpRequest, officer: Officer) -> HttpResponse:
    """What goes on between organisations, for a partner or for the force."""
    force = officer.organisation.sort == Organisation.Sort.FORCE
    carriers = partners.carried_for(officer) if force else partners.carried(officer)
    context: dict[str, Any] = {
        "force": force,
        "asks": partners.with_texts(officer, partners.asks(officer)),
        "carried": [(one, partners.counts(one)) for one in carriers],
        "passed": partners.passed_on(officer),
    }
    if force:
        agreements = Agreement.objects.public().select_related("organisation").order_by("organisation__name")
        context |= {"agreements": agreements, "keeps": organisation_rules.may_keep_partners(officer)}
    else:
        context |= {
            "invitations": partners.invitations(officer),
            "latest": partners.to_pass_on(officer),
            "agreed": organisation_rules.has_agreement(officer.organisation),
        }
    return shell.page(request, officer, "staff/together/together.html", context)


def _own_team(officer: Officer) -> Team | None:
    """Any team of the officer, for the map that pages here lie on."""
    return next(iter(organisation_rules.teams_as(officer, *Role.values)), None)


@officer_required
@require_safe
def ground_of(request: HttpRequest, officer: Officer) -> HttpResponse:
    """The base map of the officer's own team as GeoJSON: areas are public."""
    team = _own_team(officer)
    return JsonResponse(ground.of_team(team) if team else {"type": "FeatureCollection", "features": []})


def _shown(
    officer: Officer, alert: Alert, frozen: dict[str, Any], carrier: Organisation | None = None
) -> dict[str, Any]:
    """A message and where it goes, for officers who may not open the alert itself; a carrier's copy names it."""
    team = _own_team(officer)
    return {
        "alert": alert,
        "message": showing.message(frozen, carrier),
        "meant": showing.meant(alert, frozen["audience"]),
        "patch": ground.bounds(team) if team else "",
        "ended": find.search_is_over(alert),
    }


@officer_required
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, officer: Officer, number: int) -> HttpResponse:
    """An alert that our organisation is asked to carry, as it was frozen; an approver agrees or declines."""
    seen = Carrier.objects.visible_to(officer).select_related(
        "version__alert__organisation", "version__alert__team", "version__by", "organisation", "officer", "mailing"
    )
    carrier = get_object_or_404(seen, pk=number)
    if request.method != "POST":
        return _invitation(request, officer, carrier, InvitationForm(carrier=carrier))
    form, do = InvitationForm(request.POST), request.POST.get("do", "")
    if form.is_valid() and do not in ("agree", "decline"):
        form.add_error(None, "Choose agree or decline")
    elif form.is_valid() and do == "decline" and not form.cleaned_data["reason"].strip():
        form.add_error("reason", "Say why, so that they know")
    if not form.is_valid():
        return _invitation(request, officer, carrier, form)
    given, agree = form.cleaned_data, do == "agree"
    try:
        verbs.decide(carrier, by=officer, digest=given["digest"], agree=agree, reason=given["reason"])
    except rules.NotAllowed as error:
        messages.error(request, str(error))
        return redirect("staff-invitation", carrier.pk)
    name = carrier.organisation.name
    messages.success(request, f"{name} carries it." if agree else "Declined, with your reason.")
    return redirect("staff-together")


def _invitation(request: HttpRequest, officer: Officer, carrier: Carrier, form: InvitationForm) -> HttpResponse:
    version, waits = carrier.version, carrier.decision == Carrier.Decision.ASKED
    context = {
        **_shown(officer, version.alert, version.frozen, carrier.organisation),
        "carrier": carrier,
        "version": version,
        "form": form,
        "waits": waits,
        "barred": _barred(officer, carrier) if waits else "",
        "reach": partners.reach_beyond(version, carrier.organisation) if waits else 0,
        "counts": partners.counts(carrier),
    }
    return shell.page(request, officer, "staff/together/invitation.html", context)


def _barred(officer: Officer, carrier: Carrier) -> str:
    """Why this officer may not decide, or nothing."""
    if carrier.version.alert.versions.last() != carrier.version:
        return "This alert has changed since. The newest version has an invitation of its own."
    if not organisation_rules.has_agreement(carrier.organisation):
        return f"{carrier.organisation.name} has no data-sharing agreement for today."
    if not rules.may_carry(officer, carrier.organisation):
        return "Only an approver of your organisation can decide what it carries."
    return ""


@officer_required
@require_http_methods(["GET", "HEAD", "POST"])
def pass_on(request: HttpRequest, officer: Officer, reference: str) -> HttpResponse:
    """Another organisation's public alert: send it to our followers, or note what our own channels reached."""
    found = Alert.objects.public().exclude(organisation=officer.organisation_id)
    alert = get_object_or_404(found.select_related("team", "organisation", "follows"), reference=reference)
    if officer.organisation.sort == Organisation.Sort.FORCE:
        raise Http404
    form = ReachForm()
    if request.method == "POST" and request.POST.get("do") == "reach":
        form = ReachForm(request.POST)
        if form.is_valid():
            verbs.record_reach(alert, by=officer, **form.cleaned_data)
            messages.success(request, "Kept. Thank you for passing it on.")
            return redirect("staff-pass-on", alert.reference)
    elif request.method == "POST":
        try:
            verbs.pass_on(alert, by=officer)
        except rules.NotAllowed as error:
            messages.error(request, str(error))
        else:
            messages.success(request, "Passed on. It goes to those who chose you and do not have it yet.")
        return redirect("staff-pass-on", alert.reference)
    version = alert.versions.exclude(mailing=None).last()
    carrier = Carrier.objects.visible_to(officer).filter(version=version).select_related("mailing").first()
    open_ = version is not None and (carrier is None or carrier.decision == Carrier.Decision.ASKED)
    context = {
        **_shown(officer, alert, version.frozen if version else rules.snapshot(alert)),
        "form": form,
        "carrier": carrier,
        "may": rules.may_carry(officer, officer.organisation) and open_ and verbs.is_wanted(alert),
        "over": not verbs.is_wanted(alert),
        "reach": partners.reach_beyond(version, officer.organisation) if version and open_ else 0,
        "counts": partners.counts(carrier) if carrier else [],
        "passed": [one for one in partners.passed_on(officer) if one.alert_id == alert.pk],
    }
    return shell.page(request, officer, "staff/together/pass_on.html", context)


@officer_required
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest, officer: Officer, reference: str) -> HttpResponse:
    """Ask the force to send our draft, with a note."""
    alert = alert_of(officer, reference)
    asked = partners.may_be_asked(officer.organisation)
    if not asked or not rules.may_edit(officer, alert):
        raise rules.NotAllowed("Only a draft of a partner can be offered to the force.")
    form = AskForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            verbs.ask(alert, to=asked[0], by=officer, note=form.cleaned_data["note"])
        except rules.NotAllowed as error:
            messages.error(request, str(error))
            return redirect("staff-alert", alert.reference)
        except rules.Unfinished as unfinished:
            form.add_error(None, str(unfinished).rstrip("."))
        else:
            messages.success(request, f"{asked[0].name} was asked. You hear here what they decide.")
            return redirect("staff-alert", alert.reference)
    context = {**_shown(officer, alert, rules.snapshot(alert)), "form": form, "to": asked[0]}
    return shell.page(request, officer, "staff/together/ask.html", context)


@officer_required
@require_http_methods(["GET", "HEAD", "POST"])
def request_of(request: HttpRequest, officer: Officer, number: int) -> HttpResponse:
    """A partner's request: its text, its map and its note; the force takes it on or declines.

    Once that is settled the force reads what it made of it, if anything, never the partner's draft of today.
    """
    seen = Ask.objects.visible_to(officer).select_related(
        "alert__organisation", "alert__team", "alert__follows", "to", "by", "decided_by", "made"
    )
    one = get_object_or_404(seen, pk=number)
    ours = one.to_id == officer.organisation_id
    form = RequestForm(request.POST if request.method == "POST" else None, officer=officer, ask=one)
    if request.method == "POST" and not ours:
        raise rules.NotAllowed("This request is not for your organisation.")
    if request.method == "POST" and form.is_valid():
        done = _settle(request, officer, one, form)
        if done is not None:
            return done
    [(_, text)] = partners.with_texts(officer, [one])
    context = {
        **(_shown(officer, text, rules.snapshot(text)) if text else {}),
        "text": text,
        "ask": one,
        "form": form,
        "ours": ours,
        "waits": one.decision == Ask.Decision.WAITING,
        "made": Alert.objects.visible_to(officer).filter(asked_for=one).first(),
    }
    return shell.page(request, officer, "staff/together/request.html", context)


def _settle(request: HttpRequest, officer: Officer, one: Ask, form: RequestForm) -> HttpResponse | None:
    """Take the request on, or decline it; None when the form must be shown again."""
    do, given = request.POST.get("do", ""), form.cleaned_data
    if do not in ("take", "decline") or (do == "take" and not given["team"]):
        form.add_error(None, "Choose take it on, with one of your teams, or decline")
        return None
    try:
        if do == "take":
            made = actions.take_on(one, team=given["team"], by=officer)
            messages.success(request, "Taken on. It is a draft of your own now: check it and submit it.")
            return redirect("staff-edit", made.reference)
        verbs.settle_ask(one, by=officer, reason=given["reason"])
    except rules.Unfinished as unfinished:
        form.add_error("reason", unfinished.problems["reason"].rstrip("."))
        return None
    except rules.NotAllowed as error:
        messages.error(request, str(error))
        return redirect("staff-request", one.pk)
    messages.success(request, "Declined, with your reason.")
    return redirect("staff-together")
