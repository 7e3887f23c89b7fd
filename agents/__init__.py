"""One Faust agent a file: each says what it consumes, which table it keeps, what it emits."""
