"""The domain: what links and mirrors are, what may be asked of them, what the answers mean. Pure: no I/O, no clock."""
