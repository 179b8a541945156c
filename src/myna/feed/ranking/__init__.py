"""The ranking model: features, the model, how it is trained, and how well it does."""
