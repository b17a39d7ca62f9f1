"""The syntax tree as a plan: what runs when. `planner.plan` is the entry, `nodes` what it gives."""
