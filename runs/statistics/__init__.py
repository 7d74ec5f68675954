"""Statistics: counters that outlive the runs, and what can be read from them."""
