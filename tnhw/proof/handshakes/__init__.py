"""Proofs about streams: vectors stay whole and in order, and each is answered once, whoever stalls."""
