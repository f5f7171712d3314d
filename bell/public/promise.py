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
_YOURS = "Your data is yours"
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
        "tests/alerts/test_counting.py::test_numbers_are_rounded_and_small_ones_hidden",
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
        "Footage that you send is kept exactly as it arrived, and every look at it and every download is written down.",
        "tests/evidence/test_desk.py::test_each_look_download_and_export_is_a_line",
    ),
    Promise(
        _SEE,
        "Of a camera that you register, officers see about how many places with cameras lie near what they draw, from "
        "which nobody can be found: never which, nor whose.",
        "tests/alerts/test_cameras.py::test_a_thief_who_draws_for_ever_cannot_tell_whether_one_camera_is_registered",
    ),
    Promise(
        _SEE,
        "In a survey, officers see how many people chose each answer, and no number under five. They are not shown who "
        "chose what.",
        "tests/staff/test_surveys.py::test_the_alert_page_counts_and_tells_nobody_apart",
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
        _YOURS,
        "On your own page you see each time one of our teams opened what you wrote: when, which team, and what for. "
        "Only the data protection officer can hold an entry back, with a reason and a day on which you see it.",
        "tests/public/test_mydata.py::test_what_is_withheld_is_simply_absent_until_its_day",
    ),
    Promise(
        _YOURS,
        "For each message you can see which of your places and choices it was meant for.",
        "tests/public/test_mydata.py::test_why_me_names_the_place_the_group_and_the_choice",
    ),
    Promise(
        _YOURS,
        "You can download every row we hold on you, at any time. Internal notes are named in it but not told, and a "
        "look that is held back is left out.",
        "tests/privacy/test_canary.py::test_the_export_has_every_row_of_the_person",
    ),
    Promise(
        _YOURS,
        "When you erase everything, nothing that tells of you stays but what matters to a case. You are shown what "
        "that is, why, and when it is looked at again.",
        "tests/privacy/test_canary.py::test_what_matters_to_a_case_is_restricted_and_nothing_else_stays",
    ),
    Promise(
        _YOURS,
        "Whoever finds your phone signed in can neither download nor erase your data: we ask for a fresh code first.",
        "tests/public/test_mydata.py::test_a_copy_and_an_erasure_need_a_fresh_code",
    ),
    Promise(
        _YOURS,
        "Thirty days after a message reached its end, our record of it no longer says which address it went to.",
        "tests/privacy/test_retention.py::test_addresses_go_thirty_days_after_the_end_and_not_before",
    ),
    Promise(
        _YOURS,
        "You can choose only partner organisations whose agreement with the police is in force today.",
        "tests/organisations/test_agreements.py::test_only_partners_with_an_agreement_can_be_chosen",
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
