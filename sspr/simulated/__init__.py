"""A tenant of our own behind Microsoft's wire protocol: Graph v1.0 and sign-in over TLS on loopback.

Start at :mod:`sspr.simulated.server`; ``docs/simulated-tenant.md`` says what is faithful and what is not.
"""
