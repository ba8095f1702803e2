"""Bulk onboarding of Microsoft 365 administrators to self-service password reset."""

__version__ = "0.1.0"
