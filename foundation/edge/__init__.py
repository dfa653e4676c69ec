"""What every app's API is made of: what is read strictly, how often, and how it is answered."""
