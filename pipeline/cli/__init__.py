"""The command line: a thin client of the REST API (spec 7.2). `main.main` is the entry point `clusterlink`."""
