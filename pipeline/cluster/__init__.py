"""One Kafka cluster as a link sees it: security settings, a data client, administration, and a probe."""

import warnings

# kafka-python 3.0 reads its schemas at import through functions that Python 3.11 and 3.12 call deprecated (3.13 took
# that back). Nothing in our hands is wrong, so whoever turns warnings into errors need not hear of it.
with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message=r"(read|open)_text is deprecated", category=DeprecationWarning)
    import kafka as _kafka  # noqa: F401  (imported here for its effect: later imports find it loaded)
