"""A text message that would fall into too many parts cannot be submitted."""

from bell.alerts import rules


def test_a_text_of_too_many_parts_is_a_problem_only_where_texts_are_sent(cast):
    alert = cast.draft(by_sms=True, sms_text="All quiet. " * 60)
    assert "parts" in rules.problems(alert)["sms_text"]
    alert.by_sms = False
    assert rules.problems(alert) == {}
    alert.by_sms, alert.sms_text = True, "Sheds broken into at Heanor."
    assert rules.problems(alert) == {}
