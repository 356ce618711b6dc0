"""Drives a FreeSWITCH over its event socket."""
