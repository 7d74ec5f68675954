"""What surrounds every page: the menu, the bar above the page, what can be created, help."""
