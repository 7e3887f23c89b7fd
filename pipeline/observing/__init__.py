"""What others see of a worker from outside the API: `/metrics`, `/healthz`, `/readyz`."""
