"""What users do with runs: cancel them, run them again, and run again the last ones of an API."""
