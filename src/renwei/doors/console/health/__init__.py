"""Is my data enough yet: what hurts, which feature is ready, which level comes next."""
