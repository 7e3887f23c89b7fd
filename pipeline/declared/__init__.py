"""Links and mirrors as a file says they shall be: read, compared with what is there, written (`clusterlink apply`)."""
