"""Which methods a page answers."""

from django.views.decorators.http import require_http_methods

page = require_http_methods(["GET", "HEAD", "POST"])
"""A page with a form: GET and HEAD show it, POST sends it."""
