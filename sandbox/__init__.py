"""The vendor played on one machine: its contract, chargers, cars and drivers.

An independent witness of the product: imports nothing of it.
"""
