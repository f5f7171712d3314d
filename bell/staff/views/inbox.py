"""The inbox, one conversation, and logging what came by phone or in person."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bell.conversations import actions, find
from bell.conversations import rules as conversation_rules
from bell.conversations.models import Conversation, Turn
from bell.organisations.models import Officer
from bell.staff import live, shell
from bell.staff.access import officer_required
from bell.staff.forms.talk import LogForm, WordsForm
from bell.staff.views.finding import conversation_of

_A_PAGE = 30
_BESIDE = 20
# Why an officer opens a conversation: kept in the record and shown to the resident.
_WHY = "answering a reply"
_WHY_CLOSED = "looking back at a closed conversation"


def _tab(request: HttpRequest) -> str:
    """The tab that the address names; "mine" for anything else."""
    asked = request.GET.get("tab", "")
    return asked if asked in find.TABS else "mine"


def _list(request: HttpRequest, officer: Officer) -> live.Part:
    """The conversations of one tab: never their words, which only opening one shows."""
    tab = _tab(request)
    found = find.inbox(officer, tab)
    page = Paginator(found, _A_PAGE).get_page(request.GET.get("page"))
    tallies = find.tallies(officer)
    tabs = [(name, label, tallies.get(name)) for name, label in find.TABS.items()]
    context = {"page": page, "tab": tab, "tabs": tabs}
    url = f"{reverse('staff-inbox-live')}?tab={tab}&page={page.number}"
    return live.part("inbox-list", url, "staff/parts/inbox_list.html", context)


@officer_required
@require_safe
def inbox(request: HttpRequest, officer: Officer) -> HttpResponse:
    """Conversations by tab."""
    return shell.page(request, officer, "staff/inbox.html", {"list": _list(request, officer), "tab": _tab(request)})


@officer_required
@require_safe
def inbox_live(request: HttpRequest, officer: Officer) -> HttpResponse:
    """The list, asking whether it is still fresh."""
    return _list(request, officer).reply(request)


def _why(talk: Conversation) -> str:
    return _WHY_CLOSED if talk.state == Conversation.State.CLOSED else _WHY


def _turns(talk: Conversation, turns: list[Turn]) -> live.Part:
    """The turns as bubbles. `news` is the newest turn: the address asks with it, so that no look is needed to know."""
    url = reverse("staff-talk-live", args=[talk.key])
    context = {"talk": talk, "turns": turns}
    newest = str(turns[-1].pk) if turns else ""
    return live.part(
        "turns", url, "staff/parts/turns.html", context, news=newest, says="New words in this conversation."
    )


def _talk(
    request: HttpRequest, officer: Officer, talk: Conversation, form: WordsForm, *, note: bool = False
) -> HttpResponse:
    """The page of a conversation. Opening it is a look, and the record says so."""
    turns = actions.look(talk, by=officer, why=_why(talk))
    form.fields["text"].label = "Your note" if note else "Your answer"
    refused = conversation_rules.practice_refusal(officer, talk)
    beside = find.inbox(officer, "mine" if talk.officer_id == officer.pk else "team")[:_BESIDE]
    context: dict[str, Any] = {
        "talk": talk,
        "turns": _turns(talk, turns),
        "form": form,
        "noting": note,
        "beside": beside,
        "mine": talk.officer_id == officer.pk,
        "closed": talk.state == Conversation.State.CLOSED,
        "can_answer": bool(talk.reply_address) and not refused,
        "refused": refused,
    }
    return shell.page(request, officer, "staff/talk.html", context)


@officer_required
@require_safe
def talk(request: HttpRequest, officer: Officer, key: int) -> HttpResponse:
    """One conversation."""
    return _talk(request, officer, conversation_of(officer, key), WordsForm())


@officer_required
@require_safe
def talk_live(request: HttpRequest, officer: Officer, key: int) -> HttpResponse:
    """New turns. Only where there are some does anyone look: then the record gets its entry."""
    one = conversation_of(officer, key)
    newest = one.turns.values_list("pk", flat=True).last()
    if request.GET.get("news") == str(newest or ""):
        return HttpResponse(status=204)
    return _turns(one, actions.look(one, by=officer, why=_why(one))).reply(request)


@officer_required
@require_POST
def say(request: HttpRequest, officer: Officer, key: int) -> HttpResponse:
    """Answer, or keep a note: by the button that was pressed."""
    one = conversation_of(officer, key)
    noting = request.POST.get("do") == "note"
    form = WordsForm(request.POST)
    if not form.is_valid():
        return _talk(request, officer, one, form, note=noting)
    if noting:
        actions.note(one, text=form.cleaned_data["text"], by=officer)
        messages.success(request, "Note kept. Only your team sees it.")
    else:
        actions.answer(one, text=form.cleaned_data["text"], by=officer)
        messages.success(request, "Answer sent.")
    return redirect("staff-talk", one.key)


@officer_required
@require_POST
def claim(request: HttpRequest, officer: Officer, key: int) -> HttpResponse:
    """Take the conversation on."""
    one = conversation_of(officer, key)
    if one.officer_id != officer.pk:
        actions.claim(one, by=officer)
        messages.success(request, "This conversation is yours now.")
    return redirect("staff-talk", one.key)


@officer_required
@require_POST
def close(request: HttpRequest, officer: Officer, key: int) -> HttpResponse:
    """Close it, saying whether it helped."""
    one = conversation_of(officer, key)
    useful = {"yes": True, "no": False}.get(request.POST.get("useful", ""))
    actions.close(one, by=officer, useful=useful)
    messages.success(request, "Closed. New words from them open it again.")
    return redirect("staff-inbox")


@officer_required
@require_http_methods(["GET", "HEAD", "POST"])
def log(request: HttpRequest, officer: Officer) -> HttpResponse:
    """Log what someone said by phone or in person."""
    form = LogForm(request.POST or None, officer=officer)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        about = given["alert"]
        turn = actions.log(
            team=about.team if about else given["team"],
            text=given["text"],
            way=given["way"],
            by=officer,
            alert=about,
            who=given["who"],
            useful={"yes": True, "no": False}.get(given["useful"]),
        )
        messages.success(request, "Logged.")
        return redirect("staff-talk", turn.conversation.key)
    if request.method != "POST" and "alert" in request.GET:
        form = LogForm(officer=officer, initial={"alert": _asked(request, form)})
    return shell.page(request, officer, "staff/log.html", {"form": form})


def _asked(request: HttpRequest, form: LogForm) -> Any:
    """The alert that the link named by its reference, if this officer may choose it."""
    reference = request.GET.get("alert", "").replace("\0", "")[:20]
    return form.fields["alert"].queryset.filter(reference=reference).first()  # type: ignore[attr-defined]
