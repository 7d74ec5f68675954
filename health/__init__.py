"""How well the installation is: `/healthz`, `/readyz`, the state of each component, and the check of the public URL."""
