"""How much an object is used, how fast it answers, how often it fails, and who calls what."""
