"""Settings, addresses, system checks and the Celery applications. May import every package below the launcher."""
