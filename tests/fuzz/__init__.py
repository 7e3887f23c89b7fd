"""`make fuzz`: the real copier between two brokers made of scripts, which fail it at random, by seed; no Kafka."""
