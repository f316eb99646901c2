"""Data that people decide about: unknown securities, proxies, lists, exceptions, and the firm's policy."""
