"""What needs attention, on the overview and as filters of the lists."""
