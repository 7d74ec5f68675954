"""Charts: inline SVG that the server renders, a table of each for screen readers, and the runs behind each point."""
