"""What the language is: star-freeness, witnesses, the transition monoid and its structure."""
