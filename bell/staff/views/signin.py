"""Staff sign in by work email, password and a second factor, or by a passkey. No sign-up and no reset.

Administrators make and mend accounts (`bell officer`).
"""

from typing import Any

from allauth.account.views import LoginView, PasswordChangeView
from allauth.mfa.base.internal import flows
from allauth.mfa.base.views import IndexView
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.views import ActivateTOTPView
from allauth.mfa.webauthn.views import AddWebAuthnView, RemoveWebAuthnView
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from bell.organisations import sso
from bell.organisations.models import Officer
from bell.organisations.signin import FactorAdapter, newest


class SignIn(LoginView):
    """allauth's own, in our look; its `site` would hide the installation's name from the page."""

    def get_form(self, form_class: Any = None) -> Any:
        """Labels alone: what stands in an empty box is taken for an answer."""
        form = super().get_form(form_class)
        for field in form.fields.values():
            field.widget.attrs.pop("placeholder", None)
        return form

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The form and where to go afterwards."""
        context: dict[str, Any] = {**super().get_context_data(**kwargs), "providers": sso.providers()}
        context.pop("site", None)
        return context


class Ways(IndexView):
    """How one signs in: factors, password, identity providers."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """allauth's, and the providers with whether one is linked there."""
        officer = self.request.user
        links = sso.links(officer) if isinstance(officer, Officer) else []
        return {**super().get_context_data(**kwargs), "links": links}


class OwnPassword(PasswordChangeView):
    """Choose a password of one's own: whoever was told one does it before anything else on the desk."""

    def get_form(self, form_class: Any = None) -> Any:
        """In our words."""
        form = super().get_form(form_class)
        labels = {"oldpassword": "The password you have now", "password1": "New password", "password2": "And again"}
        for name, words in labels.items():
            form.fields[name].label = words
            form.fields[name].widget.attrs.pop("placeholder", None)
        return form

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The form, and whether it must be done now."""
        officer = self.request.user
        told = isinstance(officer, Officer) and officer.must_choose
        context: dict[str, Any] = {**super().get_context_data(**kwargs), "told": told}
        context.pop("site", None)
        return context


class App(ActivateTOTPView):
    """Set up an authenticator app. Its first right code is this session's second factor too."""

    def get_form(self, form_class: Any = None) -> Any:
        """Without an answer in the empty box."""
        form = super().get_form(form_class)
        form.fields["code"].widget.attrs.pop("placeholder", None)
        return form

    def form_valid(self, form: Any) -> HttpResponse:
        """Keep it, and note that it was just used."""
        response: HttpResponse = super().form_valid(form)
        return _used(self.request, response, Authenticator.Type.TOTP)


class AddKey(AddWebAuthnView):
    """Set up a passkey or security key; using it once is this session's second factor too."""

    def get_form(self, form_class: Any = None) -> Any:
        """In our words."""
        form = super().get_form(form_class)
        form.fields["passwordless"].help_text = "It then asks for your finger, face or PIN each time"
        return form

    def form_valid(self, form: Any) -> HttpResponse:
        """The same."""
        response: HttpResponse = super().form_valid(form)
        return _used(self.request, response, Authenticator.Type.WEBAUTHN)


class RemoveKey(RemoveWebAuthnView):
    """Take a key away, but not an officer's last factor."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Refused in words where nobody could come in any more."""
        if not FactorAdapter().can_delete_authenticator(self.get_object()):
            messages.error(self.request, "This is your only way to confirm who you are. Set up another one first.")
            return redirect("mfa_index")
        removed: HttpResponse = super().form_valid(form)
        return removed


def _used(request: HttpRequest, response: HttpResponse, kind: str) -> HttpResponse:
    """Note in the session that the newest factor of this kind was used."""
    officer = request.user
    factor = newest(officer, kind) if isinstance(officer, Officer) else None
    if factor is not None:
        flows.post_authentication(request, factor, reauthenticated=True)
    return response
