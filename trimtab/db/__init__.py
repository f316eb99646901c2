"""PostgreSQL, the record: tables, transactions, and one module of functions per aggregate."""
