"""`python -m trimtab.gateway`."""

from trimtab.gateway import main

main()
