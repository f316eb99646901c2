"""`python -m trimtab.worker`."""

from trimtab.worker import main

if __name__ == "__main__":
    main()
