"""What comes next in a session, learnt from the clicks of other sessions."""
