"""Prometheus page: gauges read from the database at each scrape, so that they hold whatever the process."""
