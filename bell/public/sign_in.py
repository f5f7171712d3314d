"""Signing in by a one-time code, and out. There is no password, and up to the code no way to tell who is a member."""

from dataclasses import replace

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from bell.lib import links
from bell.public import join, joining, session
from bell.public.forms import AddressForm
from bell.public.headers import own_page
from bell.public.methods import page

_CODE = f"{links.sign_in()}code/"


@own_page
@page
def sign_in(request: HttpRequest) -> HttpResponse:
    """Which address? A code goes there."""
    if session.resident(request) is not None:
        return redirect(links.account())
    form = AddressForm(request.POST) if request.method == "POST" else AddressForm()
    if request.method == "POST" and form.is_valid():
        progress = joining.with_addresses(session.Joining(), [form.cleaned_data["address"]])
        kept = session.joining(request)
        # Someone who began to join keeps the place they gave.
        progress = replace(progress, spot=kept.spot)
        joining.send_codes(progress)
        session.keep_joining(request, progress)
        return redirect(_CODE)
    return render(request, "public/sign_in.html", {"form": form})


def _closed(request: HttpRequest) -> HttpResponse | None:
    """Where to go when there is no code to ask for."""
    if session.resident(request) is not None:
        return redirect(links.account())
    return None if session.joining(request).addresses else redirect(links.sign_in())


@own_page
@page
def code(request: HttpRequest) -> HttpResponse:
    """The code, of those who sign in."""
    return _closed(request) or join.code_page(request, action=_CODE, back=links.sign_in())


@own_page
@require_POST
def again(request: HttpRequest) -> HttpResponse:
    """Send the code again."""
    return _closed(request) or join.again_page(request, _CODE)


@own_page
@require_POST
def sign_out(request: HttpRequest) -> HttpResponse:
    """End the session."""
    session.sign_out(request)
    return redirect(links.home())
