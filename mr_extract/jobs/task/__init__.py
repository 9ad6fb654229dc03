"""What runs in a task: lines in, blocks out, through a process that may die."""
