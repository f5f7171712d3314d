"""How pages look: components, shell and static files; knows no domain word."""
