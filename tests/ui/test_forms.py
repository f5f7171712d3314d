"""Forms that draw themselves: the pattern, the words of their errors, and text that wants to be markup."""

from datetime import date
from html.parser import HTMLParser

import pytest
from django import forms
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from bell.ui.forms import Affixed, Checkboxes, CountedTextarea, DateField, Form, NativeDateTime, Radios, problems

NASTY = '"><img src=x onerror=alert(1)>'


class Booking(Form):
    name = forms.CharField(label="Full name", help_text="As on the letter")
    why = forms.CharField(label="Why do you ask?", widget=CountedTextarea(100))
    way = forms.ChoiceField(
        label="Way", choices=[("a", "A"), ("b", "B")], widget=Radios(hints={"b": "Slower"}, divider_before="b")
    )
    when = DateField(label="Day of birth")
    agree = forms.BooleanField(label="I agree")
    extra = forms.MultipleChoiceField(choices=[("x", "X")], widget=Checkboxes(), required=False)
    reach = forms.IntegerField(label="URL count", widget=Affixed(prefix="£", suffix="metres"))
    starts = forms.DateTimeField(widget=NativeDateTime(), required=False)
    key = forms.CharField(widget=forms.HiddenInput)


class Collect(HTMLParser):
    """Every start tag with its attributes."""

    def __init__(self, html):
        super().__init__()
        self.tags = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def drawn(form):
    return Collect(str(form)).tags


def ids(tags):
    return [attrs["id"] for _, attrs in tags if "id" in attrs]


def test_every_control_has_a_label_and_every_id_is_there_once():
    tags = drawn(Booking())
    assert len(ids(tags)) == len(set(ids(tags)))
    labelled = {attrs.get("for") for tag, attrs in tags if tag == "label"}
    for tag, attrs in tags:
        if tag in {"input", "select", "textarea"} and attrs.get("type") != "hidden":
            assert attrs["id"] in labelled, attrs


@pytest.mark.parametrize("data", [None, {}])
def test_every_description_points_at_something(data):
    tags = drawn(Booking(data))
    for _, attrs in tags:
        for target in (attrs.get("aria-describedby") or "").split():
            assert target in ids(tags)


def test_the_errors_say_what_to_do_and_lead_to_the_first_box():
    assert problems(Booking({})) == [
        ("id_name", "Enter full name"),
        ("id_why", "Answer “Why do you ask?”"),
        ("id_way_0", "Select way"),
        ("id_when_day", "Enter a date"),
        ("id_agree", "Tick “I agree” to go on"),
        ("id_reach", "Enter URL count"),
        ("", "Enter key"),
    ]
    tags = drawn(Booking({}))
    for target, _ in problems(Booking({})):
        assert not target or target in ids(tags)


def test_a_form_that_was_not_sent_has_no_problems():
    assert problems(Booking(), None) == []


def test_a_forms_own_words_are_kept():
    class Own(Form):
        name = forms.CharField(error_messages={"required": "We need a name"})

    assert problems(Own({})) == [("id_name", "We need a name")]


def test_an_error_is_announced_by_the_word_error_and_marks_the_control():
    html = str(Booking({}))
    assert (
        html.count('<span class="govuk-visually-hidden">Error:</span>') == 7
    )  # six fields, and the hidden one at the top
    assert "govuk-input--error" in html
    assert " required" not in html


def test_fields_that_may_stay_empty_say_so_unless_the_form_is_a_filter():
    class Filter(Form):
        mark_optional = False
        words = forms.CharField(required=False)

    assert str(Booking()).count("(optional)") == 2
    assert "(optional)" not in str(Filter())


def test_hostile_text_stays_text_wherever_it_comes_from():
    class Hostile(Form):
        name = forms.CharField(label=NASTY)
        way = forms.ChoiceField(label=NASTY, choices=[(NASTY, NASTY)], widget=Radios(hints={NASTY: NASTY}))
        kind = forms.ChoiceField(choices=[(NASTY, NASTY)])
        text = forms.CharField(widget=CountedTextarea(10))
        when = DateField()

    data = {"name": NASTY, "way": NASTY + "!", "kind": NASTY + "!", "text": NASTY, "when_day": NASTY}
    form = Hostile(data)
    form.add_error(None, NASTY)
    template = Template("{% load bell_ui %}{% error_summary form %}{{ form }}")
    tags = Collect(template.render(Context({"form": form}))).tags
    assert not [tag for tag, attrs in tags if tag == "img" or "onerror" in attrs]


@pytest.mark.parametrize(
    ("boxes", "words"),
    [
        (("", "3", "2026"), "Date must include a day"),
        (("27", "", ""), "Date must include a month and a year"),
        (("31", "2", "2026"), "Enter a real date, such as 27 3 2026"),
        (("27", "3", "26"), "Enter a real date, such as 27 3 2026"),
        (("1/2", "3", "2026"), "Enter a real date, such as 27 3 2026"),
        (("", "", ""), "Enter a date"),
    ],
)
def test_a_date_in_three_boxes_says_what_is_missing(boxes, words):
    data = dict(zip(("when_day", "when_month", "when_year"), boxes, strict=True))
    assert Booking(data).errors["when"] == [words]


@given(st.dates(min_value=date(1000, 1, 1)))
def test_any_real_date_comes_back(day):
    class One(Form):
        when = DateField()

    form = One({"when_day": f" {day.day}", "when_month": f"{day.month:02}", "when_year": f"{day.year}"})
    assert form.is_valid()
    assert form.cleaned_data["when"] == day


@given(st.text(max_size=12), st.text(max_size=12), st.text(max_size=12))
def test_no_text_in_the_boxes_breaks_the_form(day, month, year):
    class One(Form):
        when = DateField(required=False)

    form = One({"when_day": day, "when_month": month, "when_year": year})
    form.is_valid()
    str(form)


def test_what_was_typed_is_there_again():
    html = str(Booking({"when_day": "31", "when_month": "2", "when_year": "2026", "name": "Jo"}))
    for text in ('value="31"', 'value="2026"', 'value="Jo"'):
        assert text in html


def test_a_form_of_a_library_is_drawn_the_same():
    class Library(forms.Form):
        login = forms.EmailField()
        password = forms.CharField(widget=forms.PasswordInput)
        remember = forms.BooleanField(required=False)

    html = str(Library())
    assert html.count('class="govuk-form-group"') == 3
    assert "govuk-js-password-input-input" in html
    assert "govuk-checkboxes__input" in html
