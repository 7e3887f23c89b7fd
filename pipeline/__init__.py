"""Open Cluster Linking for Apache Kafka: mirror topics that keep the offsets of their source."""

import os

# NumPy's linear algebra, which nothing here uses, would start a thread for each core when it is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
