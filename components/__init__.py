"""Floor 3: what the user sees, in reusable pieces. A component draws where it is called and never navigates."""
