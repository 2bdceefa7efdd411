"""Gates: may an experiment be believed at all? Functions of plain numbers that return records with p-value and reason.

At which alpha a gate fails is the caller's choice; it should be small, such as 0.001, as there are many of them.
"""
