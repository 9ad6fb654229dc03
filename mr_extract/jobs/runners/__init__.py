"""mrjob's runners, made fit for long work."""
