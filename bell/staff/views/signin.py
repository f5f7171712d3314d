"""Staff sign in by work email and password. No sign-up and no reset: administrators make and mend accounts."""

from typing import Any

from allauth.account.views import LoginView


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
        context: dict[str, Any] = super().get_context_data(**kwargs)
        context.pop("site", None)
        return context
