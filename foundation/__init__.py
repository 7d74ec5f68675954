"""What every package may use; imports nothing of the product."""

__version__ = "0.1.0"
