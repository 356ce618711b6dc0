"""A real Asterisk, from Debian's packages in a private folder, and what is tested against it."""
