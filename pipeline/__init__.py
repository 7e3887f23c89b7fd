"""Open Cluster Linking for Apache Kafka: mirror topics that keep the offsets of their source."""
