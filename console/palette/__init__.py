"""The search of everything (Ctrl+K): objects by name or id, runs by id, pages and actions."""
