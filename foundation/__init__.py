"""The floor: what every package may use, and what imports nothing of the product."""

__version__ = "0.1.0"
