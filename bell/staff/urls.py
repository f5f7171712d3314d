"""Addresses of the desk."""

from django.urls import URLPattern, URLResolver, include, path, register_converter

from bell.staff.views import (
    alert,
    approve,
    compose,
    desk,
    health,
    inbox,
    insight,
    picture,
    saved,
    saving,
    sharing,
    templates,
)


class Reference:
    """An alert's reference, such as DA-7K3PQ: nothing else reaches a view."""

    regex = "[A-Z0-9]{1,4}-[A-Z0-9]{1,8}"

    def to_python(self, value: str) -> str:
        """As it is."""
        return value

    def to_url(self, value: str) -> str:
        """As it is."""
        return value


class Key:
    """A random key of up to 19 digits."""

    regex = "[0-9]{1,19}"

    def to_python(self, value: str) -> int:
        """As a number."""
        return int(value)

    def to_url(self, value: int) -> str:
        """As digits."""
        return str(value)


register_converter(Reference, "reference")
register_converter(Key, "key")

urlpatterns: list[URLPattern | URLResolver] = [
    path("", desk.desk, name="staff-desk"),
    path("duty/", desk.duty, name="staff-duty"),
    path("live/<slug:name>/", desk.part, name="staff-live"),
    path("areas/", include("bell.staff.area_urls")),
    path("paper/", include("bell.staff.paper_urls")),
    path("", include("bell.staff.together_urls")),
    path("", include("bell.staff.privacy_urls")),
    path("", include("bell.staff.people_urls")),
    path("new/", compose.new, name="staff-new"),
    path("templates/", templates.templates, name="staff-templates"),
    path("templates/new/", templates.new, name="staff-template-new"),
    path("templates/<int:number>/", templates.edit, name="staff-template"),
    path("alerts/", alert.alerts, name="staff-alerts"),
    path("audiences/", saved.audiences, name="staff-audiences"),
    path("alerts/<reference:reference>/", alert.alert, name="staff-alert"),
    path("alerts/<reference:reference>/live/", alert.alert_live, name="staff-alert-live"),
    path("alerts/<reference:reference>/edit/", compose.edit, name="staff-edit"),
    path("alerts/<reference:reference>/saving/", saving.save, name="staff-saving"),
    path("alerts/<reference:reference>/picture/", picture.edit, name="staff-picture"),
    path("alerts/<reference:reference>/picture/<slug:sha256>.jpg", picture.file, name="staff-picture-file"),
    path("alerts/<reference:reference>/count/", compose.count, name="staff-count"),
    path("alerts/<reference:reference>/preview/", compose.preview, name="staff-preview"),
    path("alerts/<reference:reference>/circle/", compose.circle_round, name="staff-circle"),
    path("alerts/<reference:reference>/ground/", compose.ground_of, name="staff-ground"),
    path("alerts/<reference:reference>/approve/", approve.approve, name="staff-approve"),
    path("alerts/<reference:reference>/follow/", alert.follow, name="staff-follow"),
    path("alerts/<reference:reference>/share/", sharing.share, name="staff-share"),
    path("alerts/<reference:reference>/share/card.png", sharing.card, name="staff-share-card"),
    path("alerts/<reference:reference>/do/<slug:verb>/", alert.act, name="staff-act"),
    path("inbox/", inbox.inbox, name="staff-inbox"),
    path("inbox/live/", inbox.inbox_live, name="staff-inbox-live"),
    path("inbox/<key:key>/", inbox.talk, name="staff-talk"),
    path("inbox/<key:key>/live/", inbox.talk_live, name="staff-talk-live"),
    path("inbox/<key:key>/say/", inbox.say, name="staff-say"),
    path("inbox/<key:key>/claim/", inbox.claim, name="staff-claim"),
    path("inbox/<key:key>/close/", inbox.close, name="staff-close"),
    path("log/", inbox.log, name="staff-log"),
    path("", include("bell.staff.evidence_urls")),
    path("health/", health.page, name="staff-health"),
    path("health/live/", health.page_live, name="staff-health-live"),
    path("health/stop/", health.stop, name="staff-health-stop"),
    path("health/resume/", health.resume, name="staff-health-resume"),
    path("health/alarms/<int:number>/seen/", health.seen, name="staff-health-seen"),
    path("insight/", insight.reach, name="staff-insight"),
    path("insight/map.json", insight.reach_map, name="staff-insight-map"),
    path("insight/response/", insight.response, name="staff-insight-response"),
    path("insight/ledger/", insight.ledger, name="staff-insight-ledger"),
    path("insight/members.csv", insight.sheet, {"name": "members"}, name="staff-insight-members-sheet"),
    path("insight/response.csv", insight.sheet, {"name": "response"}, name="staff-insight-response-sheet"),
    path("insight/ledger.csv", insight.sheet, {"name": "ledger"}, name="staff-insight-ledger-sheet"),
]
