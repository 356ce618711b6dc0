"""The driver for Asterisk, spoken to over its manager interface (AMI)."""
