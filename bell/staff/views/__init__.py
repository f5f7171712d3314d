"""The screens of the desk: find, form, one action, one template."""
