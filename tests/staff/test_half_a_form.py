"""A page on a slow line is sent before it has come whole: nobody else gets the alert, and no word is lost."""

import re

import pytest

from bell.alerts.models import Alert, State
from tests.staff.test_composing import path


@pytest.mark.parametrize("do", ["save", "submit", "circle", "count"])
def test_half_a_form_saves_nothing_and_keeps_the_words(cast, at_desk, do):
    """Enter, pressed before the page is whole, sends only what has come: the rest would read as unticked."""
    narrow = {"areas": [cast.west.pk], "shapes": [], "groups": [cast.dog_walkers.pk]}
    draft = cast.draft(audience=narrow, by_sms=True)
    page = at_desk("author").post(path(draft), {"do": do, "seen": "0", "title": "Half a page", "circle_radius": "900"})
    text = page.content.decode()
    assert page.status_code == 200 and "nothing was saved" in text and 'value="Half a page"' in text
    kept = Alert.objects.get(pk=draft.pk)
    assert (kept.title, kept.audience, kept.by_sms, kept.state) == (draft.title, narrow, True, State.DRAFT)
    for name, value in (("areas", cast.west.pk), ("groups", cast.dog_walkers.pk), ("channels", "sms")):
        [tick] = re.findall(
            rf'<input[^>]*name="{name}"[^>]*value="{value}"[^>]*>|<input[^>]*value="{value}"[^>]*name="{name}"[^>]*>',
            text,
        )
        assert "checked" in tick


def test_the_last_field_of_the_form_says_that_it_is_whole(cast, at_desk):
    page = at_desk("author").get(path(cast.draft())).content.decode()
    form = page[page.index('id="compose"') :].partition("</form>")[0]
    assert re.findall(r'<(?:input|textarea|select)[^>]*name="([a-z_]+)"', form)[-1] == "whole"
    assert form.index('name="whole"') < form.rindex('value="submit"')
