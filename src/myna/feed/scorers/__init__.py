"""From probabilities to an order: one step a file. Each is a pure function of what the decision log keeps."""
