"""Kafka's requests, one file per API, to be sent with `AIOKafkaClient.send(node_id, request)`."""
