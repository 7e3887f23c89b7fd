"""One Faust table a file: what its keys and values are, and which agent writes it."""
