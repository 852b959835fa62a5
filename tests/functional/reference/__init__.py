"""The second implementation: what the node computes, computed again from the specification in plain Python.

Nothing here calls the node or its libraries. Slow and simple on purpose; test_reference.py holds it against
published vectors, and the other tests hold the node against it.
"""
