"""The ways out of the house: one file per channel. Each sends one message, or says in one word why it could not."""
