"""`python -m trimtab.server`."""

from trimtab.server import main

if __name__ == "__main__":
    main()
