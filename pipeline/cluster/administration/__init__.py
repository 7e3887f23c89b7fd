"""Administrative requests by subject; ``pipeline.cluster.admin.Admin`` has them all."""
