"""The world of the permission matrix: one real thing behind every address, and everybody who might ask for it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY, record_authentication
from allauth.mfa.models import Authenticator
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from bell.alerts import actions as alert_actions
from bell.alerts import pictures, starters, together
from bell.audit.models import Entry
from bell.conversations import actions as talk_actions
from bell.conversations.actions import Words
from bell.delivery import unsubscribe
from bell.delivery.models import Alarm, Delivery
from bell.evidence import preview
from bell.evidence import rules as evidence_rules
from bell.lib import clock, tokens
from bell.organisations import granting
from bell.organisations.kinds import Kind
from bell.organisations.models import Officer, Role
from bell.privacy import actions as privacy_actions
from bell.privacy.models import today
from bell.residents import cameras, groups, paper
from bell.residents.actions import stream
from bell.residents.groups import Terms
from tests.alerts.test_languages import POLISH
from tests.cast import Cast
from tests.evidence.conftest import FIELDS, exhibit, ticket, upload
from tests.public.conftest import send, signed_in
from tests.residents.paper_people import entry, file, png
from tests.residents.test_areas import checked

PEOPLE = (
    "anonymous", "resident", "disabled", "unfactored", "stale",
    "author", "approver", "media", "administrator", "dpo", "stranger", "outsider", "keeper",
)  # fmt: skip
"""In the order of the table's columns. `disabled`: an author switched off while signed in. `unfactored`: an approver
who gave the password only. `stale`: an approver and administrator whose second factor was 20 minutes ago. `stranger`:
of another team of the force. `outsider`: a partner's author and approver. `keeper`: the partner's administrator."""

VISITORS = ("anonymous", "resident", "author")
"""Who asks for what is not a page of staff: to these pages an officer is nobody in particular."""

LATER = today().replace(year=today().year + 1, day=1)


def routes(found: list[URLPattern | URLResolver] | None = None, before: str = "") -> Iterator[str]:
    """Every address of the whole URLconf as it is written there, but of the demo's stage and the component pages."""
    for one in get_resolver().url_patterns if found is None else found:
        whole = before + str(one.pattern)
        if whole in ("demo/", "ui/"):
            continue
        if isinstance(one, URLResolver):
            yield from routes(one.url_patterns, whole)
        else:
            yield whole


_PICTURE = "picture/<slug:sha256>.jpg"


def people(route: str) -> tuple[str, ...]:
    """Who asks for an address."""
    return PEOPLE if route.startswith(("desk/", "accounts/")) else VISITORS


@dataclass
class World:
    """The cast and what stands behind the addresses; made once for a walk through all of them."""

    cast: Cast

    def __post_init__(self) -> None:
        cast = self.cast
        self.meg = cast.resident(email="meg@home.example", mobile="07700 900123")
        council = cast.outsider.grants.get(role=Role.AUTHOR).team
        self.keeper = cast.officer("Kit Keeper", council, Role.ADMINISTRATOR)
        self.disabled = cast.officer("Dan Disabled", cast.team, Role.AUTHOR)
        self.unfactored = cast.officer("Una Unfactored", cast.team, Role.APPROVER)
        self.stale = cast.officer("Sid Stale", cast.team, Role.APPROVER, Role.ADMINISTRATOR)
        self.proposal = granting.propose(cast.author, cast.team, Role.MEDIA, by=self.stale, why="A course")
        for _ in range(6):
            cast.resident(organisations=(cast.partner,))
        self.draft = pictures.attach(cast.draft(title="A draft"), by=cast.author, alt="A van", data=png())
        self.template = starters.keep(
            by=cast.approver, team=cast.team, kind=Kind.CRIME, name="Burglary", title="Burglary in [street]"
        )  # fmt: skip
        facts = {"kind": Kind.FOOTAGE, "fields": FIELDS, "by_sms": True, "carriers": [cast.partner.pk]}
        facts |= {"picture": self.draft.picture, "picture_alt": "A van", "languages": {"pl": POLISH}}
        self.sent = send(cast, title="Did your camera see a white van?", **facts)
        waiting = cast.draft(title="One that waits", carriers=[cast.partner.pk])
        self.version = alert_actions.submit(waiting, by=cast.author)
        own = cast.draft(by=cast.outsider, team=council, title="Gritting tonight", kind=Kind.PREVENTION)
        self.own = own
        self.asked = together.ask(
            cast.draft(by=cast.outsider, team=council, title="Bins", kind=Kind.PREVENTION), to=cast.force,
            by=cast.outsider, note="",
        )  # fmt: skip
        self.delivery = Delivery.objects.get(
            mailing__reference=self.sent.reference, recipient_key=self.meg.key, channel="email"
        )
        self.import_of_areas = checked(cast)
        self._words()
        self._paper()
        self._privacy()

    def _words(self) -> None:
        cast, said = self.cast, Words("A white van.", "web", verified=True)
        self.talk = talk_actions.hear(said, team=cast.team, alert=self.sent, resident=self.meg).conversation
        self.exhibit = exhibit(self.sent, png(), name="clip.png")
        preview.preview_due()
        self.file = upload(self.sent, b"half")
        self.place = self.meg.places.get()
        self.camera = cameras.add_camera(self.meg, self.place, direction=None, days_kept=7, by=self.meg)
        self.group = groups.define(Terms("Farm watch", by_approval=True), by=cast.administrator)
        self.alarm = Alarm.objects.create(name="x", words="Something", since=clock.now(), last_at=clock.now())

    def _paper(self) -> None:
        cast = self.cast
        self.run = paper.print_forms(cast.team, count=1, by=cast.author)
        self.source = paper.make_source(cast.team, label="Library", by=cast.author)
        self.bundle = paper.open_bundle(cast.team, received_on=clock.now().date(), size=2, by=cast.author)
        paper.keep_scans(self.bundle, [file(png())] * 2, by=cast.author)
        first = self.bundle.forms.get(number=1)
        paper.enter(first, entry("new@home.example"), by=cast.author)
        words = Delivery.objects.get(address="new@home.example").mailing.content["text"]
        self.code = re.search(r"/confirm/([A-Z0-9-]+)/", words)[1]

    def _privacy(self) -> None:
        cast, dpo = self.cast, self.cast.dpo
        for _ in range(2):
            talk_actions.look(self.talk, by=cast.author, why="answering a reply")
        privacy_actions.look_up("email", "meg@home.example", by=dpo, why="She asked by letter")
        first, self.entry = Entry.objects.filter(verb="conversation read").order_by("pk")
        self.withheld = privacy_actions.withhold(
            first.pk, of=self.meg, reason="An inquiry", review_on=LATER, by=dpo
        )  # fmt: skip
        self.restriction = privacy_actions.hold(
            self.talk, person_key=self.meg.key, reason="A case", review_on=LATER, by=dpo
        )  # fmt: skip

    def given(self, route: str) -> dict[str, Any]:
        """What stands in the places of an address."""
        names = ("edit", "count", "preview", "circle", "ground", "saving", "picture", _PICTURE)
        drafts = dict.fromkeys(names, self.draft)
        alerts = {"ask": self.own, "approve": self.version.alert, **drafts}
        step = route.removeprefix("desk/alerts/<reference:reference>/").rstrip("/")
        words = {
            "reference": alerts.get(step, self.sent).reference,
            "name": "inbox" if "live" in route else "simulator",
            "verb": "undo", "tag": "pl", "sha256": self.draft.picture.sha256,
            "provider": "postmark", "kind": "ward", "code": "W1", "way": "email",
            "token": tokens.sign_int("answer", self.delivery.pk),
        }  # fmt: skip
        for start, more in self._known().items():
            if route.startswith(start):
                words |= more
        return words

    def _known(self) -> dict[str, dict[str, Any]]:
        """What stands in the places below an address; a longer one later wins."""
        talk = self.talk.key
        return {
            "desk/areas/": {"number": self.import_of_areas.pk},
            "desk/together/invitations/": {"number": self.version.carriers.get().pk},
            "desk/together/requests/": {"number": self.asked.pk},
            "desk/organisations/": {"number": self.cast.partner.pk},
            "desk/templates/": {"number": self.template.pk},
            "desk/groups/": {"number": self.group.pk},
            "desk/privacy/people/": {"key": self.meg.key, "number": self.entry.pk, "talk": talk},
            "desk/privacy/withheld/": {"number": self.withheld.pk},
            "desk/privacy/restrictions/": {"number": self.restriction.pk},
            "desk/people/": {"key": self.cast.author.key},
            "desk/people/proposals/": {"number": self.proposal.pk},
            "desk/teams/": {"number": self.cast.other_team.pk},
            "desk/agreements/": {"number": self.cast.agreement.pk},
            "desk/paper/forms/": {"key": self.run.key},
            "desk/paper/posters/": {"code": self.source.code},
            "desk/paper/bundles/": {"key": self.bundle.key, "number": 1},
            "desk/inbox/": {"key": talk},
            "desk/health/": {"number": self.alarm.pk},
            "desk/alerts/<reference:reference>/exhibits/": {"number": self.exhibit.number},
            "accounts/": {"pk": 1, "name": "keycloak"},
            "upload/new/": {"token": evidence_rules.ticket(ticket(self.sent))},
            "upload/file/": {"token": evidence_rules.token_of(self.file)},
            "upload/send/": {"token": evidence_rules.ticket(ticket(self.sent))},
            "upload/sent/": {"token": evidence_rules.ticket(ticket(self.sent))},
            "u/": {"token": unsubscribe.token(self.meg.key, stream(self.cast.force.pk, "crime"))},
            "confirm/": {"code": self.code},
            "account/places/": {"number": self.place.pk},
            "account/cameras/": {"number": self.camera.pk},
        }

    def path(self, route: str) -> str:
        """The address of a route with everything in its places."""
        given = self.given(route)
        path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(given[found[1]]), route)
        return path + ("?way=email" if route == "desk/health/stop/" else "")

    def data(self, route: str) -> dict[str, str]:
        """What is posted: nothing, but where nothing is no question at all."""
        words = {"follow": {"relation": "update"}, "access": {"do": "off"},
                 "edit": {"whole": "1"}, "take": {"grant": f"{self.cast.team.pk}:author"}}  # fmt: skip
        return words.get(route.rstrip("/").rpartition("/")[2], {})

    def client(self, who: str) -> Client:
        """A browser in which this person is signed in as far as they may be."""
        if who == "anonymous":
            return Client()
        if who == "resident":
            return signed_in(Client(), "meg@home.example")
        client, officer = Client(), self.officer(who)
        client.force_login(officer, backend="allauth.account.auth_backends.AuthenticationBackend")
        if who == "disabled":
            Officer.objects.filter(pk=officer.pk).update(is_active=False)
        if who != "unfactored":
            Authenticator.objects.get_or_create(user=officer, type=Authenticator.Type.TOTP, defaults={"data": {}})
            request = RequestFactory().get("/")
            request.session = session = client.session
            record_authentication(request, officer, "mfa", type="totp")
            session[AUTHENTICATION_METHODS_SESSION_KEY][0]["at"] -= 20 * 60 if who == "stale" else 0
            session.save()
        return client

    def officer(self, who: str) -> Officer:
        """The officer of that name."""
        found = getattr(self, who, None) or getattr(self.cast, who)
        assert isinstance(found, Officer)
        return found
