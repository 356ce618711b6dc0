"""What a PBX is to the runner, and the drivers that speak to one."""
