"""What is proposed to the person, and what an answer amounts to."""
