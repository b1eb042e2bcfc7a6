"""People: portraits, stages, tiers, consent, rights, readiness, and the job that learns."""
