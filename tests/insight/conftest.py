"""Officers at the desk, as the tests of the desk have them."""

from tests.staff.conftest import at_desk as at_desk
