"""The lab: throwaway real PostgreSQL topologies on loopback (docs/lab.md)."""


class LabError(Exception):
    """Something the user of the lab should read as one line."""
