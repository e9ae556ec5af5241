"""Running Remora: the command line, the local venue, the demo, the benches."""
