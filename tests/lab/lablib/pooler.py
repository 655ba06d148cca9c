"""PgBouncer and HAProxy in front of the nodes."""
