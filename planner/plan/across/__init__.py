"""Training that spans more than one kind of accelerator, or more than one site."""
