"""What makes this checkout run on a bare machine: installation, private servers, supervised children, the demo.

Stands apart on purpose: imports nothing of the product, and reaches it only by command line, environment and HTTP.
"""
