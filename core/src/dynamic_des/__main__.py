"""``python -m dynamic_des``."""

from dynamic_des.cli import main

main(prog_name="dynamic-des")
