"""What was shown and what was clicked: examination by place, and what each item attracts."""
