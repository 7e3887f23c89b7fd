"""Kafka's bytes: record batches and the requests a link sends. Bytes in, bytes out: no socket, no clock, no policy."""
