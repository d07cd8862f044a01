"""What is shown of streams: whole vectors, each once, in order, whoever stalls."""
