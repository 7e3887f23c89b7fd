"""Every path of our own below `/clusterlink/v1`, one row each; all of them only read."""

from __future__ import annotations

from pipeline.api.routes import Route
from pipeline.console import mirror_pages, overview, tables

BASE = "/clusterlink/v1"

ROUTES = (
    Route("GET", "/overview", overview.get_overview),
    Route("GET", "/mirrors", mirror_pages.list_mirrors),
    Route("GET", "/properties", tables.get_properties),
    Route("GET", "/operations", tables.get_operations),
    Route("GET", "/audit", tables.get_audit),
    Route("GET", "/source-topics", tables.get_source_topics),
)
