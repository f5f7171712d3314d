"""Keys: random ones differ, keyed ones repeat, and both fit a signed 64-bit column."""

from hypothesis import given
from hypothesis import strategies as st

from bell.lib import keys


def test_random_keys_fit_and_differ():
    made = {keys.random_key() for _ in range(1000)}
    assert len(made) == 1000
    assert all(1 <= key < 2**63 for key in made)


@given(st.text(max_size=300))
def test_address_keys_fit_and_repeat(address):
    key = keys.address_key("email", address)
    assert 1 <= key < 2**63
    assert key == keys.address_key("email", address)


def test_case_and_surrounding_space_do_not_matter_but_channel_does():
    key = keys.address_key("email", "Ann@Post.example")
    assert key == keys.address_key("email", " ann@post.EXAMPLE ")
    assert key != keys.address_key("sms", "ann@post.example")
    assert key != keys.address_key("email", "anne@post.example")
    assert keys.address_key("a", "bc") != keys.address_key("ab", "c")


def test_another_secret_gives_another_key(settings):
    before = keys.address_key("email", "ann@post.example")
    settings.ADDRESS_KEY = "another"
    assert keys.address_key("email", "ann@post.example") != before
