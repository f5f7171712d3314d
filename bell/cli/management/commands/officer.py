"""`bell officer again|begin|grant EMAIL --why TEXT`: what is done to officers where the desk cannot."""

import getpass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from bell.organisations.actions import NotAllowed
from bell.organisations.granting import begin, give_by_operator
from bell.organisations.models import Officer, Organisation, Role, Team
from bell.organisations.officers import Facts, NotAnOfficer
from bell.organisations.recovery import open_again


class Command(BaseCommand):
    """`again` asks the administrator's own password: whoever can open a shell is not yet one. The other two are an
    operator's, work only where no two administrators could do it on the desk, and stand in the record as such.
    """

    help = (
        "again: open an officer's account again, after you saw in person who they are. "
        "begin: the first administrator of an organisation that has none. "
        "grant: a role, where an organisation has fewer than two administrators who could give it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose, by whom, and why."""
        parser.add_argument("verb", choices=["again", "begin", "grant"])
        parser.add_argument("email")
        parser.add_argument("--why", required=True, help="how you made sure who it is, or who asked for it")
        parser.add_argument("--by", help="again: the administrator's email")
        parser.add_argument("--name", help="begin: the officer's name")
        parser.add_argument("--organisation", help="begin: the organisation's short name")
        parser.add_argument("--team", help="grant: the team's short name")
        parser.add_argument("--role", choices=Role.values, help="grant: the role")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what was asked; refusals in words."""
        needed = {"again": ["by"], "begin": ["name", "organisation"], "grant": ["team", "role"]}[options["verb"]]
        for name in needed:
            if not options[name]:
                raise CommandError(f"--{name} is missing.")
        try:
            {"again": self._again, "begin": self._begin, "grant": self._grant}[options["verb"]](options)
        except (NotAllowed, NotAnOfficer) as error:
            raise CommandError(str(error)) from error

    def _again(self, options: dict[str, Any]) -> None:
        """Check the administrator, do it, say the password once."""
        officer, by = _found(options["email"]), _found(options["by"])
        if not by.check_password(getpass.getpass(f"Password of {by.email}: ")):
            raise CommandError("That is not the administrator's password.")
        password = open_again(officer, by=by, why=options["why"])
        self.stdout.write("Their roles wait until another administrator confirms them on the desk.")
        self.stdout.write(f"Tell {officer} by voice, and let them set up a second factor at once: {password}")

    def _begin(self, options: dict[str, Any]) -> None:
        """The first administrator of an organisation."""
        organisation = Organisation.objects.filter(slug=options["organisation"]).first()
        if organisation is None:
            raise CommandError(f"There is no organisation {options['organisation']}.")
        officer, password = begin(organisation, Facts(options["email"], options["name"]), why=options["why"])
        self.stdout.write(f"Tell {officer} by voice, and let them set up a second factor at once: {password}")

    def _grant(self, options: dict[str, Any]) -> None:
        """A role."""
        officer = _found(options["email"])
        team = Team.objects.filter(organisation=officer.organisation_id, slug=options["team"]).first()
        if team is None:
            raise CommandError(f"{officer.organisation} has no team {options['team']}.")
        give_by_operator(officer, team, options["role"], why=options["why"])
        self.stdout.write(f"{officer} is {Role(options['role']).label} in {team}.")


def _found(email: str) -> Officer:
    officer = Officer.objects.filter(email__iexact=email.strip()).first()
    if officer is None:
        raise CommandError(f"There is no officer {email}.")
    return officer
