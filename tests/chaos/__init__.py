"""`make chaos`: real brokers and workers under load, faults by seed, a checker that shares no code with the engine."""
