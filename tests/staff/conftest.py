"""Officers at the desk: a client for each of the cast."""

from collections.abc import Callable

import pytest
from django.test import Client

from bell.organisations.models import Officer


@pytest.fixture
def at_desk(cast) -> Callable[[Officer | str], Client]:
    """A signed-in client for an officer of the cast, by name."""

    def sign_in(who: Officer | str) -> Client:
        client = Client()
        client.force_login(
            getattr(cast, who) if isinstance(who, str) else who,
            backend="allauth.account.auth_backends.AuthenticationBackend",
        )
        return client

    return sign_in
