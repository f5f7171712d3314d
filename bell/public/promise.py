"""The privacy promise: each sentence beside the test that fails when it is broken. No sentence without a proof."""

from typing import NamedTuple


class Promise(NamedTuple):
    """A sentence for residents under its heading, and the pytest node that proves it."""

    heading: str
    sentence: str
    proof: str


_CHOOSE = "You choose"
_LEAVE = "You can stop at any time"
_SEE = "What others see of you"
_TRICKS = "No tricks"

PROMISES: tuple[Promise, ...] = (
    Promise(
        _CHOOSE,
        "We write to you only about the places and kinds of message you chose, and only from organisations you chose.",
        "tests/alerts/test_audience.py::test_preferences_are_always_honoured",
    ),
    Promise(
        _CHOOSE,
        "No partner organisation is ticked for you: you tick it, or it never writes.",
        "tests/public/test_join.py::test_partners_are_not_ticked_for_anybody",
    ),
    Promise(
        _CHOOSE,
        "Until you press the last button, you are no member and we send you nothing but a code.",
        "tests/public/test_join.py::test_nothing_is_kept_and_nothing_but_the_code_is_sent_before_the_end",
    ),
    Promise(
        _LEAVE,
        "Every alert by email carries a link that stops its kind with one press, without signing in.",
        "tests/public/test_promise.py::test_the_link_of_every_alert_stops_its_kind",
    ),
    Promise(
        _LEAVE,
        "Answer STOP to any of our texts, and the texts end.",
        "tests/conversations/test_replies.py::test_stop_ends_texts_and_is_no_reply",
    ),
    Promise(
        _LEAVE,
        "When you leave, messages that wait for you are not sent, and your places, groups and contact details are "
        "deleted from your account.",
        "tests/public/test_promise.py::test_leaving_withdraws_what_waits_and_deletes_what_you_gave",
    ),
    Promise(
        _SEE,
        "An officer who picks an area sees a rounded number of people, and no number at all when there are fewer than "
        "five.",
        "tests/alerts/test_audience.py::test_while_drawing_numbers_are_rounded_and_small_ones_hidden",
    ),
    Promise(
        _SEE,
        "Your answer is read by the team that asked. Other teams and partner organisations cannot open it.",
        "tests/conversations/test_replies.py::test_only_the_team_reads_and_answers",
    ),
    Promise(
        _SEE,
        "Each time an officer opens a conversation with you, that is recorded.",
        "tests/conversations/test_replies.py::test_each_look_is_recorded_against_the_person",
    ),
    Promise(
        _SEE,
        "Whoever holds one of our messages can answer it, but cannot see what you or we said before.",
        "tests/public/test_answer.py::test_nothing_said_before_is_ever_shown",
    ),
    Promise(
        _SEE,
        "Nobody can find out on this website whether you are a member: every address is treated alike.",
        "tests/public/test_sign_in.py::test_known_and_unknown_addresses_look_the_same",
    ),
    Promise(
        _TRICKS,
        "There is no password to lose: you sign in with a code that works once, and for 30 minutes.",
        "tests/public/test_promise.py::test_a_code_works_once_and_for_thirty_minutes",
    ),
    Promise(
        _TRICKS,
        "Opening a page or a link changes nothing. Only pressing a button does.",
        "tests/public/test_looking.py::test_looking_at_every_page_changes_nothing",
    ),
    Promise(
        _TRICKS,
        "Our emails carry no hidden pictures that would tell us whether you read them.",
        "tests/alerts/test_content.py::test_no_pixel_no_remote_thing",
    ),
    Promise(
        _TRICKS,
        "This website loads nothing from other companies: no advertising, no trackers.",
        "tests/browser/test_public.py::test_the_public_pages_are_clean",
    ),
    Promise(
        _TRICKS,
        "Reading alerts sets no cookie.",
        "tests/public/test_alerts.py::test_reading_sets_no_cookie",
    ),
)
