"""Which rules of call parking scenarios meet on the built-in mock, and which never."""
