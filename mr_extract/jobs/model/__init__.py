"""What a job takes on a cluster: a simulation, and the figures of a machine that it is told."""
