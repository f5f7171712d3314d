"""How many joined by a poster tells nobody which household joined, however the posters are put out."""

import re

import pytest
from django.urls import reverse

from bell.residents.models import Resident, SourceCode
from tests.public.conftest import plain


def poster(client, cast, who, label) -> SourceCode:
    team = getattr(cast, who).grants.first().team
    assert client.post(reverse("staff-sources"), {"team": team.pk, "label": label}).status_code == 302
    return SourceCode.objects.get(label=label)


def joined(cast, source, people, organisations=None) -> None:
    for _ in range(people):
        person = cast.resident(organisations=organisations)
        Resident.objects.filter(pk=person.pk).update(source=source.code)


def numbers(client) -> dict[str, str]:
    """What the page says, by poster."""
    page = client.get(reverse("staff-sources")).content.decode()
    rows = re.findall(r'<th scope="row".*?>(.*?) <span.*?data-label="Joined">(.*?)</td>', page, re.DOTALL)
    return {label: number.strip() for label, number in rows}


def table(client) -> str:
    """The page's own part, without what differs from request to request."""
    return plain(client.get(reverse("staff-sources")).content).partition("<main")[2]


@pytest.mark.parametrize("who", ["outsider", "author"])
def test_two_letter_boxes_read_the_same_whoever_joined(cast, at_desk, who):
    desk, own = at_desk(who), (getattr(cast, who).organisation,)
    first, second = (poster(desk, cast, who, label) for label in ("12 Mill Lane", "14 Mill Lane"))
    desk.get(reverse("staff-sources"))  # says that the posters are ready, once
    empty = table(desk)
    joined(cast, first, 1, own)
    assert numbers(desk) == {"12 Mill Lane": "fewer than 5", "14 Mill Lane": "fewer than 5"}
    joined(cast, second, 3, own)
    joined(cast, first, 3, own)
    assert table(desk) == empty, "nor does anything else change"


@pytest.mark.parametrize("who", ["outsider", "author"])
@pytest.mark.parametrize(("people", "said"), [(4, "fewer than 5"), (5, "5"), (7, "5"), (8, "10"), (12, "10")])
def test_larger_ones_are_rounded_to_five(cast, at_desk, who, people, said):
    desk = at_desk(who)
    joined(cast, poster(desk, cast, who, "Library"), people, (getattr(cast, who).organisation,))
    assert numbers(desk) == {"Library": said}


def test_a_partner_counts_only_those_who_follow_it(cast, at_desk):
    desk = at_desk("outsider")
    library = poster(desk, cast, "outsider", "Library")
    joined(cast, library, 8, (cast.force,))
    joined(cast, library, 4, (cast.partner, cast.force))
    assert numbers(desk) == {"Library": "fewer than 5"}
    joined(cast, library, 1, (cast.partner,))
    assert numbers(desk) == {"Library": "5"}
