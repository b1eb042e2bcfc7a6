"""Coming in and going out: sign-in, the one-time link, language, the demo's door, jobs."""
