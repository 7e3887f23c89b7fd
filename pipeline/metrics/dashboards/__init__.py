"""Dashboards for Grafana, declared as tables of panels and printed as JSON into deploy/grafana/dashboards."""
