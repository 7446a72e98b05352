"""``planner curve``: an answer drawn over a range: data here, pictures in `planner.plot`."""
