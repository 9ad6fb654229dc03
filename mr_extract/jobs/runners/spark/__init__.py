"""Jobs on Spark: what spark-submit is told and tells, what it runs, what comes back."""
