"""Jobs on a Hadoop cluster: what travels, what YARN is told and tells, what comes back."""
