"""Plain tools: no Django models, no word of policing."""
