"""Who may send: force, partners, teams, officers."""
