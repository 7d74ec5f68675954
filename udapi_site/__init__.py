"""The project: settings, addresses, logs and the Celery application, which Django loads so that tasks find it."""

__version__ = "0.1.0"
