"""Real Kafka brokers on this machine, for the demo, the tests and the benchmarks.

    with LocalCluster(ClusterOptions(brokers=3)) as cluster:
        ...

cluster.py                 a cluster: start, stop or kill one broker, stop all
options.py                 what it can be asked to be
backends.py                Java processes or containers, and which is taken when
kafka_home.py              Kafka's jars, by Maven, cached
jvm.py, storage.py         starting Java soon, and without formatting each time
process.py, watchdog.py    nothing outlives us
ports.py                   ports that stay ours

What is not tried: brokers in Docker run only where a Docker daemon answers, so a machine without one tests the
container's arguments and life cycle against a stand-in for testcontainers, and no more.
"""
