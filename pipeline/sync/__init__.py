"""What the four tasks of a link do (spec 6): one subject a file, pure decisions apart from the asking of clusters."""
