"""What the command line can do: one file per subject. Each has `add_to(cli)`, which hangs its commands on the parser."""
