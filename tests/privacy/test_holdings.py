"""No room may hold something of a person that export and erasure do not know."""

from django.apps import apps

from bell.audit.models import Entry
from bell.conversations.models import Turn
from bell.delivery.models import Batch, Delivery
from bell.organisations.models import Team
from bell.privacy import holdings
from bell.residents.models import Place, PlaceArea, Resident


def test_every_model_that_leads_to_a_resident_is_declared() -> None:
    known = {model._meta.label for model in holdings.declared()} | set(holdings.NOT_THEIRS)
    missing = {model._meta.label for model in holdings.walk()} - known
    assert not missing, f"say in bell/privacy/holdings.py what export and erasure do with {sorted(missing)}"


def test_the_walk_finds_rows_over_several_relations_and_by_column() -> None:
    found = holdings.walk()
    assert {Resident, Place, PlaceArea, Turn, Delivery} <= found
    assert not {Team, Batch, Entry} & found


def test_what_is_said_to_be_nobodys_exists() -> None:
    labels = {model._meta.label for model in apps.get_models(include_auto_created=True)}
    assert set(holdings.NOT_THEIRS) <= labels


def test_each_model_stands_once_and_says_what_becomes_of_it() -> None:
    models = [holding.model for holding in holdings.HOLDINGS]
    assert len(models) == len(set(models))
    assert all(holding.title and holding.erased for holding in holdings.HOLDINGS)
