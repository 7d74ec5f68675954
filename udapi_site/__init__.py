"""The roof: settings, addresses, system checks and the Celery applications. It may import every package."""
