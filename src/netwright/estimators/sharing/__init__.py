"""What `SharedWeights` is made of."""
