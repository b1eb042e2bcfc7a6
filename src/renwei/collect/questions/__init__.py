"""Questions: one question a form, a link or a code to scan; the answer lands on the profile."""
