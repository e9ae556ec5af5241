"""The HTTP side: metrics for Prometheus, health, and the figures that `remora status` shows."""
